package sim

import (
	"context"

	"github.com/notifylab/notifylab/notify/watch"
)

// stream connects a consumer that has a goroutine of its own, as service-center 2.x gives each:
// it fetches an event, hands it over, and waits until that is dealt with.
func (w *wall) stream(ctx context.Context, c *consumer) {
	l := c.newLink()
	idle := make(chan struct{}, 1)
	p, err := watch.Pull(w.engine, w.place(c), w.lister(l), &w.preset.Watch,
		watch.PullOptions{Size: 1, Observer: l})
	if err != nil { // the engine has closed: the run is over
		return
	}
	c.lane.mu.Lock()
	l.port = &pulled{p, idle}
	c.lane.mu.Unlock()
	w.streams.Go(func() { follow(ctx, p, l, idle) })
}

// pulled is the port of a connection that has a goroutine of its own.
type pulled struct {
	p    *watch.Puller
	idle chan struct{}
}

func (p *pulled) Ready() {
	select {
	case p.idle <- struct{}{}:
	default:
	}
}

// Listed is never called: the goroutine lists by itself.
func (p *pulled) Listed(watch.List) {}

func (p *pulled) Fail(error) { p.p.Close() }

// follow ends with ctx, or with p; why p ended the link has been told.
func follow(ctx context.Context, p *watch.Puller, l *link, idle <-chan struct{}) {
	for {
		u, err := p.Next(ctx)
		if err != nil {
			return
		}
		if u.List != nil {
			_ = l.Init(*u.List) // a link takes every list
		}
		for len(u.Events) > 0 {
			taken, _ := l.Deliver(u.Events) // nor does it fail here
			if u.Events = u.Events[taken:]; len(u.Events) == 0 {
				break
			}
			select {
			case <-idle:
			case <-ctx.Done():
				return
			}
		}
	}
}

// lister lists for a stream: in the middle of the time it takes, or at once while the run is set
// up.
func (w *wall) lister(l *link) watch.Lister {
	return func(ctx context.Context) (watch.List, error) {
		c := l.c
		var took int64
		began := w.stage.now()
		if mean := c.listTime(began); mean > 0 && !w.opening.Load() {
			c.lane.mu.Lock()
			took = c.draw(float64(mean))
			c.lane.mu.Unlock()
		}
		if c.unreachable(began + took) {
			took = int64(longest)
		}
		if !w.sleep(ctx, began+took/2) {
			return watch.List{}, ctx.Err()
		}
		revision, position := w.truth.list(c.view.log)
		if !w.sleep(ctx, began+took) {
			return watch.List{}, ctx.Err()
		}
		return watch.List{Revision: revision, State: position}, nil
	}
}
