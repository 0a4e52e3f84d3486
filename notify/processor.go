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
	closing  atomic.Bool  // set under mu, read without
	waiting  atomic.Int64 // publishers in the line, likewise

	_         [64]byte // the workers read what is above all the time, the publishers write below
	mu        sync.Mutex
	directory directory
	line      []*waiter // publishers that wait for room, first come first served
	groups    []string  // that were named last
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
	if to, ok := to.(Prompt); ok && to.Prompt() {
		s.state.Or(statePrompt)
	}
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

// to is the shards that an event is for, and the only group if that is known. Who subscribes later
// has no claim to it.
func (p *processor) to(subject string, groups []string) ([]*shard, *group) {
	shard, at := p.directory.find(subject, groups)
	if shard == all {
		return p.shards, at
	}
	return p.shards[shard : shard+1], at
}

// keepLocked is a copy of groups. Those who publish to the same groups time and again get the same
// one, so that the shards see it at a glance.
func (p *processor) keepLocked(groups []string) []string {
	if !slices.Equal(p.groups, groups) {
		p.groups = slices.Clone(groups)
	}
	return p.groups
}

// publish puts ev on the queues of the shards that it is for, all or none. The event of a Publish
// that returned before another one began comes first everywhere.
func (p *processor) publish(ctx context.Context, ev *Event, groups []string) (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to, at := p.to(ev.Subject, groups)
	var w *waiter
	if len(p.line) > 0 || full(to) {
		if w, err = p.waitLocked(ctx, ev, groups); err == nil {
			to, at = p.to(ev.Subject, groups) // they may have changed
		}
	}
	if err == nil && p.closing.Load() {
		err = fmt.Errorf("publish to %s %q: %w", p.typ, ev.Subject, ErrClosed)
	}
	if err == nil {
		p.published++
		t := task{ev: ev, at: at}
		if at == nil && len(groups) > 0 {
			t.groups = p.keepLocked(groups)
		}
		for _, sh := range to {
			sh.tasks.Offer(t) // there is room: under mu nobody else adds
			sh.rouse()
		}
	}
	if w != nil {
		p.leaveLocked(w)
	}
	return err
}

// waitLocked waits in the line for room, without the lock, until w is the first there and there is
// room, or the engine closes. The caller has w leave.
func (p *processor) waitLocked(ctx context.Context, ev *Event, groups []string) (
	w *waiter, err error) {
	if p.closing.Load() {
		return nil, nil
	}
	if p.cfg.WhenFull == Reject {
		p.rejected++
		return nil, fmt.Errorf("publish to %s %q: %w", p.typ, ev.Subject, ErrFull)
	}
	w = &waiter{look: make(chan struct{}, 1)}
	p.line = append(p.line, w)
	p.waiting.Add(1)
	for !p.closing.Load() { // look once more: a shard that made room just now saw no one waiting
		to, _ := p.to(ev.Subject, groups)
		if p.line[0] == w && !full(to) {
			return w, nil
		}
		p.mu.Unlock()
		select {
		case <-w.look:
		case <-ctx.Done():
			err = ctx.Err()
		}
		p.mu.Lock()
		if err != nil {
			p.rejected++
			return w, fmt.Errorf("publish to %s %q: waiting for room: %w", p.typ, ev.Subject, err)
		}
	}
	return w, nil
}

func full(shards []*shard) bool {
	for _, sh := range shards {
		if sh.tasks.Full() {
			return true
		}
	}
	return false
}

// leaveLocked takes w out of the line and lets the next one look.
func (p *processor) leaveLocked(w *waiter) {
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
