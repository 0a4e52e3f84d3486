package notify

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// processor serves one type: it puts each event on the task queue of every shard, or of none.
type processor struct {
	typ      Type
	cfg      TypeConfig
	observer Observer
	blocked  func(*Subscription)
	shards   []*shard
	closing  atomic.Bool // set under mu, read without

	mu        sync.Mutex
	directory directory
	line      []*waiter // publishers that wait for room, first come first served
	waiting   atomic.Int64
	published uint64
	rejected  uint64
}

// waiter is one publisher in the line.
type waiter struct{ look chan struct{} }

func newProcessor(t Type, c *Config, firstID int) *processor {
	p := &processor{
		typ: t, cfg: c.Types[t].Effective(), observer: c.Observer, blocked: c.Blocked,
	}
	p.directory = newDirectory(p.cfg.Shards)
	for i := range p.cfg.Shards {
		p.shards = append(p.shards, newShard(p, firstID+i))
	}
	return p
}

func (p *processor) subscribe(subject, group string, to Subscriber, b *Backlog) (
	*Subscription, error) {
	p.mu.Lock()
	shard, g := p.directory.join(subject, group)
	p.mu.Unlock()
	sh := p.shards[shard]
	s := &Subscription{terms: sh.termsOf(b), to: to}
	s.state.Store(stateQueued)
	if !b.WaitForList {
		s.state.Or(stateListed)
	}
	j := joining{s: s, subject: subject, group: group, at: g}
	if p.closing.Load() || !sh.enqueue(s, &j) {
		p.left(subject, group)
		return nil, fmt.Errorf("subscribe to %s %q: %w", p.typ, subject, ErrClosed)
	}
	return s, nil
}

// left is a shard's word that it has let go of a member.
func (p *processor) left(subject, group string) {
	p.mu.Lock()
	p.directory.leave(subject, group)
	p.mu.Unlock()
}

// to is the shards that an event is for. Who subscribes later has no claim to it.
func (p *processor) to(t *task) []*shard {
	shard, at := p.directory.find(t.ev.Subject, t.groups)
	if t.at = at; shard == all {
		return p.shards
	}
	return p.shards[shard : shard+1]
}

// publish puts t on the queues of the shards that it is for, all or none. The event of a Publish
// that returned before another one began comes first everywhere.
func (p *processor) publish(ctx context.Context, t task) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var w *waiter
	to := p.to(&t)
	for full(to) || (len(p.line) > 0 && p.line[0] != w) {
		if p.closing.Load() {
			break
		}
		if p.cfg.WhenFull == Reject {
			p.rejected++
			return fmt.Errorf("publish to %s %q: %w", p.typ, t.ev.Subject, ErrFull)
		}
		if w == nil { // look once more: a shard that made room just now saw no one waiting
			w = &waiter{look: make(chan struct{}, 1)}
			p.line = append(p.line, w)
			p.waiting.Add(1)
			defer p.leave(w)
			continue
		}
		p.mu.Unlock()
		var err error
		select {
		case <-w.look:
		case <-ctx.Done():
			err = ctx.Err()
		}
		p.mu.Lock()
		to = p.to(&t) // they may have changed
		if err != nil {
			p.rejected++
			return fmt.Errorf("publish to %s %q: waiting for room: %w", p.typ, t.ev.Subject, err)
		}
	}
	if p.closing.Load() {
		return fmt.Errorf("publish to %s %q: %w", p.typ, t.ev.Subject, ErrClosed)
	}
	p.published++
	for _, sh := range to {
		sh.tasks.Offer(t) // there is room: under mu nobody else adds
		sh.rouse()
	}
	return nil
}

func full(shards []*shard) bool {
	for _, sh := range shards {
		if sh.tasks.Full() {
			return true
		}
	}
	return false
}

// leave takes w out of the line and lets the next one look.
func (p *processor) leave(w *waiter) {
	p.line = slices.DeleteFunc(p.line, func(x *waiter) bool { return x == w })
	p.waiting.Add(-1)
	p.lookLocked()
}

// freed tells the first publisher in the line that a shard has made room.
func (p *processor) freed() {
	if p.waiting.Load() == 0 {
		return
	}
	p.mu.Lock()
	p.lookLocked()
	p.mu.Unlock()
}

func (p *processor) lookLocked() {
	if len(p.line) == 0 {
		return
	}
	select {
	case p.line[0].look <- struct{}{}:
	default:
	}
}

// close refuses events and subscriptions from now on; the shards' next step ends what there is.
func (p *processor) close() {
	p.mu.Lock()
	p.closing.Store(true)
	for _, w := range p.line {
		select {
		case w.look <- struct{}{}:
		default:
		}
	}
	p.mu.Unlock()
	for _, sh := range p.shards {
		sh.rouse()
	}
}

// stats adds what p knows to st.
func (p *processor) stats(st *Stats) {
	for _, sh := range p.shards {
		sh.pubMu.Lock()
		c := sh.published
		sh.pubMu.Unlock()
		st.Books.add(&c.Books)
		st.Discarded += c.discarded
		st.Parked += c.parked
		st.Blocked += c.blocked
		st.Subjects += c.subjects
		st.Groups += c.groups
		st.Subscriptions += c.members
		st.Queued = max(st.Queued, sh.tasks.Len())
		st.QueueHigh = max(st.QueueHigh, sh.tasks.HighWater())
	}
	p.mu.Lock()
	st.Published += p.published
	st.Rejected += p.rejected
	p.mu.Unlock()
}
