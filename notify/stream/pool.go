package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
)

// TryConn is a Conn that can write without waiting, which is what a Pool's workers do.
type TryConn interface {
	Conn
	// TryWrite writes as Write does, but only what the connection takes at once. When something is
	// left, it returns rest, which writes that and is called once. Until then the connection lets
	// nobody write anything else.
	TryWrite(frames [][]byte) (rest Rest, err error)
	// TryPing is Ping in the same way.
	TryPing() (rest Rest, err error)
}

// Rest writes what is left, with the deadline and the errors of Conn.Write.
type Rest func(deadline time.Time) error

// PoolConfig says how a Pool works; a zero stands for a default.
type PoolConfig struct {
	Workers int         // goroutines that encode and write; 0 means GOMAXPROCS
	Clock   clock.Clock // of all its sessions, whatever their own say; nil means clock.Real
}

// Validate reports what is wrong with c; the error wraps notify.ErrInvalid.
func (c *PoolConfig) Validate() error {
	if c.Workers < 0 {
		return fmt.Errorf("%w: stream: Workers = %d: want 0 (GOMAXPROCS) or more",
			notify.ErrInvalid, c.Workers)
	}
	return nil
}

// Pool drives many sessions with few goroutines. Make it with NewPool and run it with Run.
type Pool struct {
	workers int
	clock   clock.Clock
	ctx     context.Context // ends when the pool is to end
	cancel  context.CancelCauseFunc
	aside   sync.WaitGroup // goroutines of one step each
	sooner  chan struct{}  // there is an earlier time in timers than there was

	mu     sync.Mutex
	ready  lines
	timers timers // of the sessions that are parked, and stale ones
	all    map[*member]struct{}
	idle   int        // workers that wait
	work   *sync.Cond // for a ready member, or for the end
	ended  bool       // nobody may come any more
}

// NewPool makes a pool that stands still until Run. The errors are those of Config.Validate.
func NewPool(c PoolConfig) (*Pool, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	p := &Pool{
		workers: cmp.Or(c.Workers, runtime.GOMAXPROCS(0)), clock: c.Clock,
		sooner: make(chan struct{}, 1), all: map[*member]struct{}{},
		timers: timers{byAt: map[time.Duration]*slot{}},
	}
	if p.clock == nil {
		p.clock = clock.Real{}
	}
	p.work = sync.NewCond(&p.mu)
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	return p, nil
}

// Run drives the sessions until ctx ends or Close is called. Then it ends those that are left, with
// the cause, and returns after their connections are closed and its last goroutine has ended. It
// is called once.
func (p *Pool) Run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { p.cancel(context.Cause(ctx)) })
	defer stop()
	var workers sync.WaitGroup
	for range p.workers {
		workers.Go(p.drive)
	}
	p.keepTime()
	p.endAll()
	workers.Wait()
	p.aside.Wait()
}

// Close has Run end all sessions with notify.ErrClosed; it doesn't wait. Those that come later end
// at once.
func (p *Pool) Close() { p.cancel(notify.ErrClosed) }

// Serve does what the function Serve does, with a goroutine less: it reads on its caller's, and
// the pool's workers write. A panic of the lister ends the session instead of coming back here.
// Nothing happens before Run.
func (p *Pool) Serve(ctx context.Context, conn Conn, s *Session) error {
	m := &member{p: p, conn: conn, s: s, ctx: ctx, state: busy}
	m.try, _ = conn.(TryConn)
	m.closed.Add(1)
	s.Drive(m.wake)
	if !p.join(m) {
		s.End(context.Cause(p.ctx))
		_ = conn.Close(CloseCode(s.Err()))
		return s.Err()
	}
	defer p.leave(m)
	stop := context.AfterFunc(ctx, func() { s.End(context.Cause(ctx)) })
	defer stop()
	defer m.closed.Wait()
	defer s.End(errAbandoned) // without effect but when Read panics
	err := conn.Read(func(what Heard, size int) { s.Heard(p.clock.Now(), what, size) })
	s.End(cmp.Or(err, ErrVanished))
	return s.Err()
}

// join has a worker look at a member for the first time.
func (p *Pool) join(m *member) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.ctx.Err() != nil {
		return false
	}
	p.all[m] = struct{}{}
	p.readyLocked(m, &p.ready.woken)
	return true
}

// leave forgets a member whose connection is closed.
func (p *Pool) leave(m *member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, m)
	p.timers.remove(m)
	if p.ended && len(p.all) == 0 {
		p.work.Broadcast()
	}
}

// endAll lets nobody in any more and ends those who are there.
func (p *Pool) endAll() {
	p.mu.Lock()
	p.ended = true
	left := make([]*member, 0, len(p.all))
	for m := range p.all {
		left = append(left, m)
	}
	p.work.Broadcast() // for there may be nobody whose leaving does it
	p.mu.Unlock()
	for _, m := range left {
		m.s.End(context.Cause(p.ctx))
	}
}

// keepTime makes those ready whose time has come, with one timer for all.
func (p *Pool) keepTime() {
	timer := p.clock.NewTimer(idleMax)
	defer timer.Stop()
	for {
		select {
		case <-timer.C():
		case <-p.sooner:
		case <-p.ctx.Done():
			return
		}
		timer.Reset(p.fire(p.clock.Now()))
	}
}

// fire returns how long there is nothing to do.
func (p *Pool) fire(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := now.Sub(origin)
	for len(p.timers.slots) > 0 {
		if at := p.timers.slots[0].at; at > since {
			return at - since
		}
		for _, m := range p.timers.next() {
			switch {
			case m.state != parked: // who parks it adds it
			case m.until > since:
				p.timers.add(m, m.until) // it was put off since
			default:
				p.readyLocked(m, &p.ready.due)
			}
		}
	}
	return idleMax
}

// readyLocked puts a member in a line, and wakes a worker if one waits.
func (p *Pool) readyLocked(m *member, in *line) {
	m.state = ready
	in.push(m)
	if p.idle > 0 {
		p.idle-- // here and not by the worker, or each of many would wake the same one again
		p.work.Signal()
	}
}

// next returns the member that has waited longest in its line, or nil at the end.
func (p *Pool) next() *member {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.ready.empty() {
		if p.ended && len(p.all) == 0 {
			return nil
		}
		p.idle++
		p.work.Wait()
	}
	m := p.ready.pop()
	m.state = busy
	return m
}

// idleMax is how long the timer sleeps when there is nobody.
const idleMax = time.Hour

var errLister = errors.New("stream: the lister left without a result")
