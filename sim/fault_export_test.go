package sim

import (
	"context"

	"github.com/notifylab/notifylab/notify/registry"
)

// FrameOf is what a change due at some time is on a stream.
func FrameOf(c *registry.Change, due int64) []byte {
	return (&framed{change: c, due: due}).encode(c.Revision)
}

// AddOf adds a change of something of a service, or an EXPIRE of all of that.
func (g *groupLog) AddOf(service string, expire bool, revision, due int64, key string,
	unsent bool) {
	g.append(entry{revision: revision, due: due, unsent: unsent, expire: expire}, key, service)
}

// ActTooLate acts once the run is over: nothing waits for room any more.
func (g *load) ActTooLate() error {
	over, end := context.WithCancel(context.Background())
	end()
	err := g.act()
	if err == nil {
		_, err = g.publish(over)
	}
	return err
}

// Struck lists the consumers that a fault of the scenario happens to.
func (r *Rig) Struck(fault int) (out []int) {
	for bit, x := range r.strikes {
		for i := range r.consumers {
			if x.number == fault && r.consumers[i].strikes&(1<<bit) != 0 {
				out = append(out, i)
			}
		}
	}
	return out
}
