package server

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

// keeper keeps the server's own instances alive and changes some of them. It has no goroutine and
// no clock: a driver calls act when next has come.
type keeper struct {
	hub   *registry.Hub
	world *sim.World
	rng   *rand.Rand
	rate  float64 // changes per second
	churn float64 // share that come and go

	own     []own          // registered, as far as is known here
	vacant  []string       // services that have lost one of their own
	numbers map[string]int // by service, of its next new instance

	nextChange time.Time // zero: never
	nextRenew  time.Time
	renewEvery time.Duration
	cursor     int // in own, of the next to be renewed

	changes atomic.Uint64
	lag     latencies // from when a change was due until it began
}

// own is an instance of the server's.
type own struct{ service, id string }

// renewSteps is in how many parts a round of renewals is done, so that none takes long.
const renewSteps = 30

// intervalDefault is that of instances which don't say one.
const intervalDefault = 30 * time.Second

func newKeeper(c *Config, w *sim.World, h *registry.Hub) *keeper {
	k := &keeper{
		hub: h, world: w, rate: c.Rate, churn: c.Churn, numbers: map[string]int{},
		rng: rand.New(rand.NewPCG(c.Seed, 0)),
	}
	interval := intervalDefault
	for _, s := range w.Registry.Services() {
		instances := w.Registry.Instances(s.ID)
		for _, in := range instances {
			k.own = append(k.own, own{s.ID, in.ID})
			if check := in.HealthCheck; check != nil && check.Interval > 0 {
				interval = min(interval, time.Duration(check.Interval)*time.Second)
			}
		}
		k.numbers[s.ID] = len(instances)
	}
	// The order of a registry means nothing, and a seed is to decide everything.
	slices.SortFunc(k.own, func(a, b own) int {
		return cmp.Or(strings.Compare(a.service, b.service), strings.Compare(a.id, b.id))
	})
	// Twice in an interval: what is lost moves the last one to its place, where a round may have
	// been already.
	k.renewEvery = interval / 2 / renewSteps
	return k
}

// begin says when the server begins to run: nothing is due before.
func (k *keeper) begin(now time.Time) {
	k.nextRenew = now
	if k.rate > 0 && len(k.own) > 0 {
		k.nextChange = now.Add(k.gap())
	}
}

// gap is the time to the next change.
func (k *keeper) gap() time.Duration {
	return time.Duration(k.rng.ExpFloat64() / k.rate * float64(time.Second))
}

// next is when act is due.
func (k *keeper) next() time.Time {
	if !k.nextChange.IsZero() && k.nextChange.Before(k.nextRenew) {
		return k.nextChange
	}
	return k.nextRenew
}

// act does one thing that is due. Renewals come first: a load that can't be made must not cost the
// instances their leases.
func (k *keeper) act(now time.Time) error {
	if !now.Before(k.nextRenew) {
		k.renew(now)
		return nil
	}
	if k.nextChange.IsZero() || now.Before(k.nextChange) {
		return nil
	}
	due := k.nextChange
	k.nextChange = due.Add(k.gap())
	k.lag.record(now.Sub(due))
	return k.change(due, now)
}

// renew renews the leases of one part.
func (k *keeper) renew(now time.Time) {
	for n := (len(k.own) + renewSteps - 1) / renewSteps; n > 0 && len(k.own) > 0; n-- {
		k.cursor %= len(k.own)
		in := k.own[k.cursor]
		if k.hub.Registry().Heartbeat(in.service, in.id, now) != nil {
			k.lose(k.cursor) // a client has deregistered it
			continue
		}
		k.cursor++
	}
	k.nextRenew = now.Add(k.renewEvery)
}

// lose forgets an instance, and remembers that its service has lost one.
func (k *keeper) lose(i int) {
	k.vacant = append(k.vacant, k.own[i].service)
	last := len(k.own) - 1
	k.own[i] = k.own[last]
	k.own = k.own[:last]
}

// change makes one change. Clients may have been faster and have taken what it is about: then
// there is nothing to do.
func (k *keeper) change(due, now time.Time) (err error) {
	switch comesOrGoes := k.rng.Float64() < k.churn; {
	// More likely than to lose another one, or the number of those lost would only grow.
	case len(k.vacant) > 0 && (len(k.own) == 0 || comesOrGoes && k.rng.IntN(3) > 0):
		err = k.replace(k.rng.IntN(len(k.vacant)), due, now)
	case len(k.own) == 0:
		return nil
	case comesOrGoes:
		i := k.rng.IntN(len(k.own))
		in := k.own[i]
		k.lose(i)
		err = k.apply(due, func(r *registry.Registry) (registry.Change, error) {
			return r.Deregister(in.service, in.id)
		})
	default:
		in := k.own[k.rng.IntN(len(k.own))]
		err = k.apply(due, func(r *registry.Registry) (registry.Change, error) {
			return r.SetStatus(in.service, in.id, registry.StatusUp, now)
		})
	}
	if errors.Is(err, registry.ErrUnknownInstance) || errors.Is(err, registry.ErrUnknownService) {
		return nil // the next renewal notices, too
	}
	return err
}

// replace registers a new instance for one that was lost.
func (k *keeper) replace(i int, due, now time.Time) error {
	service := k.vacant[i]
	k.vacant = slices.Delete(k.vacant, i, i+1)
	in, err := k.world.NewInstance(service, k.numbers[service])
	if err != nil {
		return err
	}
	k.numbers[service]++
	in.Timestamp, in.ModTimestamp = now.Unix(), now.Unix()
	err = k.apply(due, func(r *registry.Registry) (registry.Change, error) {
		return r.Register(in)
	})
	if err == nil {
		k.own = append(k.own, own{service, in.ID})
	}
	return err
}

// apply makes a change through the hub, which tells of it.
func (k *keeper) apply(due time.Time, do func(*registry.Registry) (registry.Change, error)) error {
	err := k.hub.Change(due, func(r *registry.Registry) ([]registry.Change, error) {
		c, err := do(r)
		if err != nil {
			return nil, err
		}
		return []registry.Change{c}, nil
	})
	if err == nil {
		k.changes.Add(1)
	}
	return err
}
