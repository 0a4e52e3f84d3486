package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

const (
	// connsPerAddress is how many consumers dial from one loopback address: a system has some
	// 28 000 ports to dial from, and those of closed connections rest for a while.
	connsPerAddress = 20_000
	// dialsAtOnce keeps consumers that all come at one time from overrunning the listener.
	dialsAtOnce = 64
)

// web is the server of a run over real connections, and the dialling to it. The consumers' ends
// have a goroutine each.
type web struct {
	w     *wall
	site  site
	ctx   context.Context
	dials chan struct{} // a slot for each that is under way

	links  sync.Map // number of a dial → its link, until its session is opened
	number atomic.Uint64

	mu     sync.Mutex
	counts streamCounts
	over   bool  // sessions that end now end with the run
	failed error // why the first dial failed that did, for the set-up
}

// site is a server of one transport.
type site interface {
	// dial connects a client that asks for the session of a number; from may be nil.
	dial(ctx context.Context, from net.Addr, number uint64) (client, error)
	decode(text []byte, epoch time.Time) (frame, error)
	close() // returns when all its goroutines have ended
}

// client is the consumer's end of a connection.
type client interface {
	next() (text []byte, ping bool, err error) // of the text that is valid until the next call
	pong() error
	hangUp(how error) // has next return an error
}

// newWeb starts a server on loopback; close it.
func newWeb(ctx context.Context, w *wall) (b *web, err error) {
	b = &web{w: w, ctx: ctx, dials: make(chan struct{}, dialsAtOnce)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for consumers: %w", err)
	}
	if w.s.Transport == GRPC {
		b.site, err = newSiteGRPC(b, listener)
	} else {
		b.site, err = newSiteWS(b, listener)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return b, nil
}

// open opens the session of a dial, which a request names by its number.
func (b *web) open(name string) (*stream.Session, error) {
	number, err := strconv.ParseUint(name, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("request for %q: want the number of a dial", name)
	}
	found, ok := b.links.LoadAndDelete(number)
	if !ok {
		return nil, fmt.Errorf("request for %q: want the number of a dial under way", name)
	}
	l := found.(*link)
	st := b.w.stage
	config := st.sessions
	config.Observer = (*losses)(l)
	b.mu.Lock()
	b.counts.opened++
	b.mu.Unlock()
	return stream.Open(st.engine, st.place(l.c), b.w.lister(l), &st.preset.Watch, &config,
		b.w.clk.Now())
}

// ended counts the end of a session.
func (b *web) ended(s *stream.Session, reason error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.unsent += int64(s.Unsent())
	if !b.over {
		b.counts.end(reason)
	}
}

// connect dials for a consumer, and has a goroutine follow the connection.
func (b *web) connect(c *consumer) {
	l := c.newLink()
	b.w.streams.Go(func() {
		client, err := b.dial(l)
		if err == nil {
			p := &wired{client: client, idle: make(chan struct{}, 1)}
			c.lane.mu.Lock()
			l.port = p
			c.lane.mu.Unlock()
			if b.ctx.Err() != nil { // or close has seen the port
				p.Fail(notify.ErrClosed)
			}
			b.follow(p, l)
			client.hangUp(notify.ErrClosed)
		}
		c.lane.ask(request{kind: askEnded, c: c, link: l})
	})
}

// dial waits for a slot and dials.
func (b *web) dial(l *link) (client, error) {
	select {
	case b.dials <- struct{}{}:
		defer func() { <-b.dials }()
	case <-b.ctx.Done():
		return nil, b.ctx.Err()
	}
	number := b.number.Add(1)
	b.links.Store(number, l)
	client, err := b.site.dial(b.ctx, source(len(b.w.consumers), number), number)
	if err != nil && b.ctx.Err() == nil {
		b.links.Delete(number)
		b.mu.Lock()
		b.counts.refused++
		if b.failed == nil {
			b.failed = err
		}
		b.mu.Unlock()
	}
	return client, err
}

// source is the address from which one of so many consumers dials: nil, the system's choice, while
// its ports suffice, else one after the other of as many as are needed.
func source(consumers int, number uint64) net.Addr {
	if consumers <= connsPerAddress {
		return nil
	}
	needed := uint64((consumers + connsPerAddress - 1) / connsPerAddress)
	host := 1 + number%needed
	return &net.TCPAddr{IP: net.IPv4(127, byte(host>>16), byte(host>>8), byte(host))}
}

// setUpError is why consumers can't connect; nil if all have so far.
func (b *web) setUpError() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == nil {
		return nil
	}
	return fmt.Errorf("connect consumers: %w", b.failed)
}

// runOver has the ends that come from now on not counted: they are the run's.
func (b *web) runOver() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
}

// close ends all connections, once the lanes and ctx have ended, and leaves the counts to a lane.
func (b *web) close() {
	for i := range b.w.consumers {
		c := &b.w.consumers[i]
		c.lane.mu.Lock()
		l := c.link
		c.lane.mu.Unlock()
		if l != nil && l.up() {
			l.port.Fail(notify.ErrClosed)
		}
	}
	b.site.close()
	ln := b.w.lanes[0]
	ln.mu.Lock()
	ln.rec.streams.merge(&b.counts)
	ln.mu.Unlock()
}

// wired is the port of a real connection: the consumer's side of it.
type wired struct {
	client client
	idle   chan struct{}
}

func (p *wired) Ready() {
	select {
	case p.idle <- struct{}{}:
	default:
	}
}

// Listed is never called: the server lists.
func (p *wired) Listed(watch.List) {}

func (p *wired) Fail(reason error) {
	p.client.hangUp(reason)
	p.Ready()
}

// follow reads until the connection ends. A consumer that is busy doesn't read.
func (b *web) follow(p *wired, l *link) {
	ln, st := l.c.lane, b.w.stage
	for {
		text, ping, err := p.client.next()
		if err != nil {
			return
		}
		if ping {
			ln.mu.Lock()
			ln.rec.streams.heartbeats++
			ln.mu.Unlock()
			if p.client.pong() != nil {
				return
			}
			continue
		}
		f, err := b.site.decode(text, st.truth.epoch)
		if err != nil {
			st.checks.fail(checkFrame, "%v", err)
			return
		}
		ln.mu.Lock()
		ln.rec.streams.frames++
		ln.mu.Unlock()
		if f.list != nil {
			_ = l.Init(*f.list) // a link takes every list
			continue
		}
		one := [1]*notify.Event{f.ev}
		for taken := 0; taken == 0; {
			if taken, _ = l.Deliver(one[:]); taken == 0 { // nor does it fail
				<-p.idle
			}
			if b.ctx.Err() != nil {
				return
			}
		}
	}
}
