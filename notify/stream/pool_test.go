package stream_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// crowd is some sessions that one pool serves, in memory.
type crowd struct {
	*notify.Engine
	t       tester
	c       stream.Config
	members []*stream.Session
	conns   []*memory
	all     sync.WaitGroup
	ran     sync.WaitGroup
	rev     int64
}

func newCrowd(t tester) *crowd {
	w := &crowd{Engine: newBareRig(t).Engine, t: t}
	w.c = stream.Config{Encode: encode, EncodeList: encodeList, Outbox: 4}
	w.ran.Go(func() { assert.NoError(t, w.Run(context.Background())) })
	return w
}

// join has p serve one more, with the configuration as it is now.
func (w *crowd) join(p *stream.Pool, list watch.Lister, wrap func(*memory) stream.Conn) {
	c := w.c
	if list == nil {
		c.EncodeList = nil
	}
	s, err := stream.Open(w.Engine, here, list, &watch.Config{}, &c, time.Now())
	require.NoError(w.t, err)
	m := newMemory()
	w.members, w.conns = append(w.members, s), append(w.conns, m)
	w.all.Go(func() { _ = p.Serve(context.Background(), wrap(m), s) })
}

func (w *crowd) publish(n int) {
	for range n {
		w.rev++
		ev := &notify.Event{Type: kind, Subject: here.Subject, Revision: w.rev}
		require.NoError(w.t, w.Publish(context.Background(), ev, here.Group))
	}
}

func plain(m *memory) stream.Conn { return m }
func tries(m *memory) stream.Conn { return trying{m} }

// end ends the engine, which ends all sessions.
func (w *crowd) end() {
	w.Engine.Close()
	w.ran.Wait()
	w.all.Wait()
}

// TestPool_PingsAHeartbeatApartAndManyAtOnce: the first comes up to a 64th of a heartbeat late,
// together with others, and the next ones are no later than that.
func TestPool_PingsAHeartbeatApartAndManyAtOnce(t *testing.T) {
	const grain = stream.DefaultHeartbeat / 64
	synctest.Test(t, func(t *testing.T) {
		p, w := newPool(t, 2), newCrowd(t)
		rng := rand.New(rand.NewPCG(1, 2))
		var due []time.Time // the first pings
		for range 200 {
			time.Sleep(time.Duration(rng.IntN(200)) * time.Millisecond)
			w.join(p, nil, tries)
			due = append(due, time.Now().Add(stream.DefaultHeartbeat))
		}
		synctest.Wait()
		for _, m := range w.conns {
			m.set(func(m *memory) { m.pongs = true })
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		looks := make(map[time.Time]bool) // of all, in the first heartbeat
		for i, m := range w.conns {
			_, _, pingsAt := m.soFar()
			require.GreaterOrEqual(t, len(pingsAt), 9)
			assert.False(t, pingsAt[0].Before(due[i]), "%v is %v early", i, due[i].Sub(pingsAt[0]))
			assert.Less(t, pingsAt[0].Sub(due[i]), grain)
			looks[pingsAt[0]] = true
			for k, at := range pingsAt[1:] {
				assert.Equal(t, stream.DefaultHeartbeat, at.Sub(pingsAt[k]), "%d of %d", k+1, i)
			}
		}
		assert.LessOrEqual(t, len(looks), 2+int(due[len(due)-1].Sub(due[0])/grain))
		w.end()
	})
}

// slowPings takes a millisecond of a worker's time for each ping.
type slowPings struct{ trying }

func (c slowPings) TryPing() (stream.Rest, error) {
	time.Sleep(time.Millisecond)
	return c.trying.TryPing()
}

// TestPool_ManyPingsHoldNoEventUp has one worker, and 200 pings that are due at once.
func TestPool_ManyPingsHoldNoEventUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := newPool(t, 1), newCrowd(t)
		w.c.EncodeList = nil
		for range 200 {
			w.join(p, nil, func(m *memory) stream.Conn { return slowPings{trying{m}} })
		}
		synctest.Wait()
		pings := func() (n int) {
			for _, m := range w.conns {
				_, _, pingsAt := m.soFar()
				n += len(pingsAt)
			}
			return n
		}
		for pings() == 0 {
			time.Sleep(time.Millisecond)
		}
		other := here
		other.Group = "other"
		s, err := stream.Open(w.Engine, other, nil, &watch.Config{}, &w.c, time.Now())
		require.NoError(t, err)
		m := newMemory()
		w.all.Go(func() { _ = p.Serve(context.Background(), trying{m}, s) })
		ev := &notify.Event{Type: kind, Subject: other.Subject, Revision: 1}
		require.NoError(t, w.Publish(context.Background(), ev, other.Group))
		time.Sleep(5 * time.Millisecond)
		synctest.Wait()
		frames, _, _ := m.soFar()
		assert.Equal(t, []string{"e1"}, frames)
		assert.Less(t, pings(), 100, "most are still to come")
		time.Sleep(time.Second)
		assert.Equal(t, 200, pings())
		w.end()
	})
}

// TestPool_AConnectionThatIsStuckHoldsNobodyUp has one worker, so it must not be the stuck one's.
func TestPool_AConnectionThatIsStuckHoldsNobodyUp(t *testing.T) {
	for name, wrap := range map[string]func(*memory) stream.Conn{"plain": plain, "tries": tries} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, w := newPool(t, 1), newCrowd(t)
				for range 3 {
					w.join(p, nil, wrap)
				}
				w.conns[0].set(func(m *memory) { m.stuck = true })
				began := time.Now()
				w.publish(3)
				synctest.Wait()
				for _, m := range w.conns[1:] {
					frames, _, _ := m.soFar()
					assert.Equal(t, numbered("e", 1, 3), frames)
				}
				assert.Zero(t, time.Since(began))
				assert.NoError(t, w.members[0].Err())
				time.Sleep(stream.DefaultWriteTimeout)
				synctest.Wait()
				assert.ErrorIs(t, w.members[0].Err(), stream.ErrWriteTimeout)
				w.end()
			})
		})
	}
}

func TestPool_AListThatTakesLongHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := newPool(t, 1), newCrowd(t)
		slow := func(ctx context.Context) (watch.List, error) {
			<-ctx.Done()
			return watch.List{}, ctx.Err()
		}
		w.join(p, slow, tries)
		w.join(p, listOf(2), tries)
		synctest.Wait()
		frames, _, _ := w.conns[1].soFar()
		assert.Equal(t, []string{"l0.0", "l0.1"}, frames)
		assert.NoError(t, w.members[0].Err())
		p.Close() // ends the list, too
		w.all.Wait()
		assert.ErrorIs(t, w.members[0].Err(), notify.ErrClosed)
		w.end()
	})
}

func TestPool_APanicEndsThatSessionAlone(t *testing.T) {
	panics := func(*notify.Event) ([]byte, error) { panic("broken") }
	for _, test := range []struct {
		name   string
		encode func(*notify.Event) ([]byte, error)
		list   watch.Lister
	}{
		{"of the encoder", panics, nil},
		{"of the lister", encode, func(context.Context) (watch.List, error) { panic("broken") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, w := newPool(t, 1), newCrowd(t)
				w.join(p, nil, tries)
				w.c.Encode = test.encode
				w.join(p, test.list, tries)
				synctest.Wait()
				w.publish(1)
				synctest.Wait()
				var panicked *notify.PanicError
				require.ErrorAs(t, w.members[1].Err(), &panicked)
				assert.Equal(t, "broken", panicked.Value)
				assert.Equal(t, stream.CodeInternal, w.conns[1].code)
				frames, _, _ := w.conns[0].soFar()
				assert.Equal(t, []string{"e1"}, frames)
				w.end()
			})
		})
	}
}

func TestPool_RunEndsAllWithItsCause(t *testing.T) {
	deleted := &stream.CloseError{Code: 1008, Text: "moved"}
	for _, test := range []struct {
		name string
		end  func(*stream.Pool, context.CancelCauseFunc)
		want error
		code int
	}{
		{"closed", func(p *stream.Pool, _ context.CancelCauseFunc) { p.Close() },
			notify.ErrClosed, stream.CodeGoingAway},
		{"context", func(_ *stream.Pool, cancel context.CancelCauseFunc) { cancel(deleted) },
			deleted, 1008},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, err := stream.NewPool(stream.PoolConfig{})
				require.NoError(t, err)
				ctx, cancel := context.WithCancelCause(t.Context())
				ran := make(chan struct{})
				w := newCrowd(t)
				w.join(p, listOf(1), tries) // nothing happens before Run
				synctest.Wait()
				frames, _, _ := w.conns[0].soFar()
				assert.Empty(t, frames)
				go func() {
					p.Run(ctx)
					close(ran)
				}()
				w.join(p, listOf(1), plain)
				synctest.Wait()
				test.end(p, cancel)
				<-ran
				for i, m := range w.conns {
					assert.ErrorIs(t, w.members[i].Err(), test.want)
					assert.Equal(t, test.code, m.code)
				}
				w.join(p, listOf(1), tries)
				w.all.Wait()
				assert.ErrorIs(t, w.members[2].Err(), test.want, "who comes late ends at once")
				assert.Equal(t, test.code, w.conns[2].code)
				cancel(nil)
				w.end()
			})
		})
	}
}

// TestPool_NoWakeUpIsLost publishes while workers are in Next, and so while sessions are being
// parked: nobody publishes anything more that would wake a session once again. Connections try,
// stand still for a moment, or can't try; sessions end meanwhile.
func TestPool_NoWakeUpIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := rapid.IntRange(1, 4).Draw(t, "workers")
		members := rapid.IntRange(1, 6).Draw(t, "members")
		bursts := rapid.SliceOfN(rapid.IntRange(1, 12), 1, 20).Draw(t, "bursts")
		leaver := rapid.IntRange(0, 10).Draw(t, "leaver")
		p, err := stream.NewPool(stream.PoolConfig{Workers: workers})
		require.NoError(t, err)
		var ran sync.WaitGroup
		ran.Go(func() { p.Run(context.Background()) })
		w := newCrowd(t)
		for i := range members {
			w.join(p, nil, []func(*memory) stream.Conn{tries, plain, halting}[i%3])
		}
		for i, n := range bursts {
			w.publish(n)
			if i == leaver && leaver < members {
				w.members[leaver].End(stream.ErrLeft)
			}
		}
		for i, m := range w.conns {
			if i != leaver {
				m.await(t, numbered("e", 1, int(w.rev)))
			}
		}
		w.end()
		p.Close()
		ran.Wait()
	})
}

// await waits for these frames, less long than until a heartbeat would wake the session.
func (m *memory) await(t tester, want []string) {
	for began := time.Now(); ; time.Sleep(10 * time.Microsecond) {
		frames, _, _ := m.soFar()
		if len(frames) >= len(want) || time.Since(began) > stream.DefaultHeartbeat/3 {
			require.Equal(t, want, frames)
			return
		}
	}
}

// halting is a connection that takes nothing at once.
func halting(m *memory) stream.Conn { return halted{trying{m}} }

type halted struct{ trying }

func (c halted) TryWrite(frames [][]byte) (stream.Rest, error) {
	return func(deadline time.Time) error { return c.Write(deadline, frames) }, nil
}

func TestPool_ItsConfigNamesTheMistake(t *testing.T) {
	_, err := stream.NewPool(stream.PoolConfig{Workers: -1})
	assert.ErrorIs(t, err, notify.ErrInvalid)
	assert.ErrorContains(t, err, "Workers = -1: want 0 (GOMAXPROCS) or more")
}
