package stream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestDrive_TheListThenTheEvents(t *testing.T) {
	overDrivers(t, func(t *testing.T, drive driver) {
		s := serve(t, drive, listOf(2), watch.Config{})
		s.push(1)
		s.push(100)
		frames, _, _ := s.soFar()
		assert.Equal(t, joined([]string{"l0.0", "l0.1"}, numbered("e", 1, 101)), frames)
		assert.Zero(t, s.Unsent())
		s.leave(stream.ErrLeft)
		s.end(stream.ErrLeft, 0)
	})
}

// TestDrive_ManyEventsOneWrite: what has come together goes out together.
func TestDrive_ManyEventsOneWrite(t *testing.T) {
	overDrivers(t, func(t *testing.T, drive driver) {
		slow := func(context.Context) (watch.List, error) {
			time.Sleep(time.Second / 2)
			return watch.List{State: 0}, nil
		}
		s := serve(t, drive, slow, watch.Config{})
		s.push(8)
		frames, _, _ := s.soFar()
		assert.Empty(t, frames, "the list comes first")
		time.Sleep(time.Second)
		synctest.Wait()
		frames, writes, _ := s.soFar()
		assert.Equal(t, numbered("e", 1, 8), frames)
		assert.Equal(t, 1, writes)
		s.leave(stream.ErrLeft)
		s.end(stream.ErrLeft, 0)
	})
}

func TestDrive_PingsOnTimeAndAnswersKeepItAlive(t *testing.T) {
	overDrivers(t, func(t *testing.T, drive driver) {
		began := time.Now()
		s := serve(t, drive, listOf(0), watch.Config{})
		s.set(func(m *memory) { m.pongs = true })
		time.Sleep(10*time.Minute + 29*time.Second)
		s.push(1)
		frames, _, pingsAt := s.soFar()
		assert.Len(t, pingsAt, 20)
		assertLate(t, 30*time.Second, pingsAt[0].Sub(began))
		for i, at := range pingsAt[1:] {
			assert.Equal(t, 30*time.Second, at.Sub(pingsAt[i]))
		}
		assert.Equal(t, []string{"e1"}, frames)

		s.say(stream.Ping, 0)
		spoke := time.Now()
		s.end(stream.ErrReadTimeout, 0)
		assertLate(t, 2*time.Minute, time.Since(spoke))
		_, _, pingsAt = s.soFar()
		assert.Len(t, pingsAt, 20, "no more since the client's own")
	})
}

// assertLate checks a time that is up to a 64th of a heartbeat late.
func assertLate(t *testing.T, want, got time.Duration) {
	t.Helper()
	late := got - want
	assert.True(t, 0 <= late && late < stream.DefaultHeartbeat/64, "%v, %v late", got, late)
}

func TestDrive_Ends(t *testing.T) {
	deleted := &stream.CloseError{Code: 1008, Text: "consumer deleted"}
	for _, test := range []struct {
		name  string
		cause func(*served)
		want  error
		code  int
		after time.Duration
	}{
		{"the client leaves", func(s *served) { s.leave(stream.ErrLeft) }, stream.ErrLeft, 0, 0},
		{"the client vanishes", func(s *served) { s.leave(stream.ErrVanished) },
			stream.ErrVanished, 0, 0},
		{"the client falls silent", func(*served) {}, stream.ErrReadTimeout, 0, 2 * time.Minute},
		{"the client sends too much", func(s *served) { s.say(stream.Data, 100) },
			stream.ErrTooBig, 1009, 0},
		{"a write fails", func(s *served) {
			s.set(func(m *memory) { m.broken = true })
			s.push(1)
		}, errBroken, 0, 0},
		{"a write stands still", func(s *served) {
			s.set(func(m *memory) { m.stuck = true })
			s.push(1)
		}, stream.ErrWriteTimeout, 0, 5 * time.Second},
		{"a ping stands still", func(s *served) {
			s.set(func(m *memory) { m.stuck = true })
		}, stream.ErrWriteTimeout, 0, 35 * time.Second},
		{"the caller's context ends", func(s *served) { s.cancel(nil) }, context.Canceled, 1001, 0},
		{"the caller has a cause", func(s *served) { s.cancel(deleted) }, deleted, 1008, 0},
		{"the engine closes", func(s *served) { s.Engine.Close() }, notify.ErrClosed, 1001, 0},
		{"the owner ends it", func(s *served) { s.End(deleted) }, deleted, 1008, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			overDrivers(t, func(t *testing.T, drive driver) {
				s := serve(t, drive, listOf(1), watch.Config{})
				began := time.Now()
				test.cause(s)
				s.end(test.want, test.code)
				if test.after > stream.DefaultHeartbeat { // it ends at a look
					assertLate(t, test.after, time.Since(began))
				} else {
					assert.Equal(t, test.after, time.Since(began))
				}
			})
		})
	}
}

func TestDrive_AReaderThatGivesNoReason(t *testing.T) {
	overDrivers(t, func(t *testing.T, drive driver) {
		s := &served{rig: newBareRig(t), memory: newMemory(), reason: make(chan error, 1),
			run: make(chan error, 1)}
		go func() { s.run <- s.Engine.Run(context.Background()) }()
		c := &stream.Config{Encode: encode}
		var err error
		s.Session, err = stream.Open(s.Engine, here, nil, &watch.Config{}, c, time.Now())
		assert.NoError(t, err)
		s.reason <- drive(t.Context(), mute{s.memory}, s.Session)
		s.end(stream.ErrVanished, 0)
	})
}

// mute is a connection whose Read returns at once, with nothing.
type mute struct{ *memory }

func (mute) Read(func(stream.Heard, int)) error { return nil }

func TestDrive_ListsThatFail(t *testing.T) {
	for _, test := range []struct {
		name string
		list watch.Lister
		want error
	}{
		{"an error", func(context.Context) (watch.List, error) { return watch.List{}, errList },
			errList},
		{"too slow", func(ctx context.Context) (watch.List, error) {
			<-ctx.Done()
			return watch.List{}, ctx.Err()
		}, watch.ErrListTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			overDrivers(t, func(t *testing.T, drive driver) {
				s := serve(t, drive, test.list, watch.Config{})
				s.end(test.want, 1011)
				assert.ErrorIs(t, s.Session.Err(), watch.ErrList)
			})
		})
	}
}

func TestServe_APanicOfTheListerLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBareRig(t)
		c := &stream.Config{Encode: encode}
		list := func(context.Context) (watch.List, error) { panic("broken") }
		s, err := stream.Open(r.Engine, here, list, &watch.Config{}, c, time.Now())
		assert.NoError(t, err)
		m := newMemory()
		assert.PanicsWithValue(t, "broken", func() { _ = stream.Serve(t.Context(), m, s) })
		assert.Equal(t, 1011, m.code)
		r.settle()
		assert.Zero(t, r.Stats().Subscriptions)
	})
}
