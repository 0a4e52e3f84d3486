package stream_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

var errBroken = errors.New("broken pipe")

// memory is a connection in memory. The client pongs when it is told to.
type memory struct {
	says   chan func(heard func(stream.Heard, int)) error // what the client does next
	closed chan struct{}

	mu      sync.Mutex
	frames  []string
	writes  int
	pingsAt []time.Time
	pongs   bool
	stuck   bool // writes don't come through
	broken  bool // writes fail
	code    int
}

func newMemory() *memory {
	says := make(chan func(func(stream.Heard, int)) error, 8)
	return &memory{says: says, closed: make(chan struct{})}
}

func (m *memory) Write(deadline time.Time, frames [][]byte) error {
	if err := m.pass(deadline); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	for _, frame := range frames {
		m.frames = append(m.frames, string(frame))
	}
	return nil
}

func (m *memory) Ping(deadline time.Time) error {
	if err := m.pass(deadline); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pingsAt = append(m.pingsAt, time.Now())
	if m.pongs {
		m.say(stream.Pong, 0)
	}
	return nil
}

func (m *memory) pass(deadline time.Time) error {
	m.mu.Lock()
	stuck, broken := m.stuck, m.broken
	m.mu.Unlock()
	switch {
	case broken:
		return errBroken
	case stuck:
		time.Sleep(time.Until(deadline))
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (m *memory) Read(heard func(stream.Heard, int)) error {
	for {
		select {
		case said := <-m.says:
			if err := said(heard); err != nil {
				return err
			}
		case <-m.closed:
			return stream.ErrVanished
		}
	}
}

func (m *memory) Close(code int, _ string) error {
	m.mu.Lock()
	m.code = code
	m.mu.Unlock()
	close(m.closed)
	return nil
}

// say has the client send something.
func (m *memory) say(what stream.Heard, size int) {
	m.says <- func(heard func(stream.Heard, int)) error {
		heard(what, size)
		return nil
	}
}

// leave ends the connection from the client's side.
func (m *memory) leave(reason error) {
	m.says <- func(func(stream.Heard, int)) error { return reason }
}

// soFar is what was written: the frames, in how many writes, and when there was a ping.
func (m *memory) soFar() (frames []string, writes int, pingsAt []time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.frames), m.writes, slices.Clone(m.pingsAt)
}

func (m *memory) set(f func(*memory)) {
	m.mu.Lock()
	f(m)
	m.mu.Unlock()
}

// served is a session that is being served in a bubble.
type served struct {
	*rig
	*memory
	reason chan error
	cancel context.CancelCauseFunc
	run    chan error
}

func serve(t *testing.T, drive driver, list watch.Lister, wc watch.Config) *served {
	t.Helper()
	s := &served{
		rig: newBareRig(t), memory: newMemory(),
		reason: make(chan error, 1), run: make(chan error, 1),
	}
	c := stream.Config{Encode: encode, EncodeList: encodeList, Outbox: 8}
	ctx, cancel := context.WithCancelCause(t.Context())
	s.cancel = cancel
	go func() { s.run <- s.Engine.Run(context.WithoutCancel(ctx)) }()
	var err error
	s.Session, err = stream.Open(s.Engine, here, list, &wc, &c, time.Now())
	require.NoError(t, err)
	go func() { s.reason <- drive(ctx, s.memory, s.Session) }()
	synctest.Wait()
	return s
}

// push publishes n events and waits until all that can be done at this time is done.
func (s *served) push(n int) {
	s.t.Helper()
	for range n {
		s.rev++
		ev := &notify.Event{Type: kind, Subject: here.Subject, Revision: s.rev}
		require.NoError(s.t, s.Publish(context.Background(), ev, here.Group))
	}
	synctest.Wait()
}

// end checks the reason and the code of the end, and that nothing is left of the subscription.
func (s *served) end(want error, code int) {
	s.t.Helper()
	assert.ErrorIs(s.t, <-s.reason, want)
	assert.ErrorIs(s.t, s.Session.Err(), want)
	assert.Equal(s.t, code, s.memory.code)
	synctest.Wait()
	assert.Zero(s.t, s.Stats().Subscriptions)
	s.Engine.Close()
	require.NoError(s.t, <-s.run)
}

func listOf(n int) watch.Lister {
	return func(context.Context) (watch.List, error) { return watch.List{State: n}, nil }
}

// driver is stream.Serve, or does the same.
type driver func(context.Context, stream.Conn, *stream.Session) error

// overDrivers runs f with each driver, in a bubble where time moves when all wait.
func overDrivers(t *testing.T, f func(t *testing.T, drive driver)) {
	t.Helper()
	t.Run("serve", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, stream.Serve) })
	})
	t.Run("pool", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, newPool(t, 2).Serve) })
	})
	t.Run("pool that tries", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPool(t, 2)
			f(t, func(ctx context.Context, conn stream.Conn, s *stream.Session) error {
				m, ok := conn.(*memory)
				if !ok {
					return p.Serve(ctx, conn, s)
				}
				return p.Serve(ctx, trying{m}, s)
			})
		})
	})
}

// newPool runs a pool until the test ends.
func newPool(t *testing.T, workers int) *stream.Pool {
	t.Helper()
	p, err := stream.NewPool(stream.PoolConfig{Workers: workers})
	require.NoError(t, err)
	ran := make(chan struct{})
	go func() {
		p.Run(context.Background())
		close(ran)
	}()
	t.Cleanup(func() {
		p.Close()
		<-ran
	})
	return p
}

// trying is a connection that takes all at once, unless it is stuck.
type trying struct{ *memory }

func (c trying) TryWrite(frames [][]byte) (stream.Rest, error) {
	return c.attempt(func(deadline time.Time) error { return c.Write(deadline, frames) })
}

func (c trying) TryPing() (stream.Rest, error) { return c.attempt(c.Ping) }

func (c trying) attempt(do stream.Rest) (rest stream.Rest, err error) {
	c.mu.Lock()
	stuck := c.stuck
	c.mu.Unlock()
	if stuck {
		return do, nil
	}
	return nil, do(time.Time{})
}
