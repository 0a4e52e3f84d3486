package registry_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/registry"
)

// leaseModel is expiry as the package documentation reads, without a heap: it looks at every
// instance every time.
type leaseModel struct {
	config registry.LeaseConfig
	heard  map[[2]string]time.Time // zero until a time was told
	ttl    map[[2]string]time.Duration
	lost   map[string][]time.Time // by service, one per instance that wasn't believed only in time
	paused map[string]bool
	stats  registry.LeaseStats
}

func (m *leaseModel) register(id [2]string, interval, times int) {
	m.heard[id] = time.Time{}
	m.ttl[id] = time.Duration(interval) * time.Second * time.Duration(times+1)
}

// forget also forgets the losses of a service that has no leases any more.
func (m *leaseModel) forget(id [2]string) {
	delete(m.heard, id)
	delete(m.ttl, id)
	if m.leased(id[0]) == 0 {
		delete(m.lost, id[0])
	}
}

func (m *leaseModel) leased(service string) (n int) {
	for id := range m.heard {
		if id[0] == service {
			n++
		}
	}
	return n
}

func (m *leaseModel) end(id [2]string) time.Time { return m.heard[id].Add(m.ttl[id]) }

func (m *leaseModel) expire(now time.Time) (gone [][2]string, held int, next time.Time) {
	sooner := func(at time.Time) {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	silent := map[string][][2]string{}
	for id, heard := range m.heard {
		if heard.IsZero() {
			m.heard[id] = now
		}
		if m.end(id).After(now) {
			sooner(m.end(id))
		} else {
			silent[id[0]] = append(silent[id[0]], id)
		}
	}
	paused := map[string]bool{}
	for service, ids := range silent {
		recent := 0
		for _, at := range m.lost[service] {
			if now.Sub(at) < m.config.Window {
				recent++
			}
		}
		lost, all := recent+len(ids), recent+m.leased(service)
		few := all < m.config.Min || float64(lost)/float64(all) < m.config.Share
		for _, id := range ids {
			believed := m.end(id).Add(min(m.ttl[id], m.config.Hold))
			switch {
			case few:
				m.lost[service] = append(m.lost[service], now)
				gone = append(gone, id)
			case !believed.After(now):
				gone = append(gone, id)
			default:
				held++
				paused[service] = true
				sooner(believed)
				sooner(now.Add(m.config.Window))
			}
		}
		if paused[service] && !m.paused[service] {
			m.stats.Pauses++
		}
	}
	m.paused = paused
	slices.SortFunc(gone, func(a, b [2]string) int {
		return cmp.Or(m.end(a).Compare(m.end(b)), slices.Compare(a[:], b[:]))
	})
	m.stats.Expired += int64(len(gone))
	for _, id := range gone {
		m.forget(id)
	}
	return gone, held, next
}

// Whatever comes in whatever order, leases end as they do for one who looks at all of them.
func TestLeasesEndAsLookingAtAllOfThemSays(t *testing.T) {
	service := rapid.SampledFrom([]string{"p", "q"})
	rapid.Check(t, func(t *rapid.T) {
		m := &leaseModel{heard: map[[2]string]time.Time{}, ttl: map[[2]string]time.Duration{},
			lost: map[string][]time.Time{}}
		m.config = registry.LeaseConfig{
			Share:  rapid.SampledFrom([]float64{0.25, 0.5, 0.75}).Draw(t, "share"),
			Min:    rapid.IntRange(1, 5).Draw(t, "min"),
			Window: time.Duration(rapid.IntRange(1, 20).Draw(t, "window")) * time.Second,
			Hold:   time.Duration(rapid.IntRange(1, 40).Draw(t, "hold")) * time.Second,
		}
		r := registry.New()
		put := func(id string) {
			require.NoError(t, done(r.PutService(registry.Service{ID: id, Key: key(id, "1")})))
		}
		put("p")
		put("q")
		require.NoError(t, r.KeepLeases(m.config))
		now, alive := at(0), map[[2]string]bool{}
		draw := func(t *rapid.T) [2]string {
			return [2]string{service.Draw(t, "service"), instances.Draw(t, "instance")}
		}
		forget := func(id [2]string) {
			m.forget(id)
			delete(alive, id)
		}
		t.Repeat(map[string]func(*rapid.T){
			"register": func(t *rapid.T) {
				id := draw(t)
				interval := rapid.IntRange(0, 9).Draw(t, "interval")
				times := rapid.IntRange(0, 2).Draw(t, "times")
				_, err := r.Register(registry.Instance{ID: id[1], ServiceID: id[0],
					HealthCheck: push(interval, times)})
				require.NoError(t, err)
				alive[id] = true
				if interval == 0 {
					m.forget(id)
				} else {
					m.register(id, interval, times)
				}
			},
			"heartbeat": func(t *rapid.T) {
				id := draw(t)
				err := r.Heartbeat(id[0], id[1], now)
				require.Equal(t, alive[id], err == nil)
				if _, ok := m.heard[id]; ok {
					m.heard[id] = now
				}
			},
			"deregister": func(t *rapid.T) {
				id := draw(t)
				_, err := r.Deregister(id[0], id[1])
				require.Equal(t, alive[id], err == nil)
				forget(id)
			},
			"delete": func(t *rapid.T) {
				gone := service.Draw(t, "service")
				_, err := r.DeleteService(gone)
				require.NoError(t, err)
				put(gone)
				for id := range alive {
					if id[0] == gone {
						forget(id)
					}
				}
			},
			"later": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 12).Draw(t, "seconds")) * time.Second)
			},
			"expire": func(t *rapid.T) {
				got := r.Expire(now)
				gone, held, next := m.expire(now)
				var ids [][2]string
				for _, c := range got.Changes {
					require.Equal(t, registry.Delete, c.Action)
					ids = append(ids, [2]string{c.Instance.ServiceID, c.Instance.ID})
				}
				require.Equal(t, gone, ids)
				require.Equal(t, held, got.Held)
				require.True(t, next.Equal(got.Next), fmt.Sprint(next, got.Next))
				for _, id := range gone {
					delete(alive, id)
				}
				m.stats.Held = held
			},
			"": func(t *rapid.T) {
				want := m.stats
				want.Leased = len(m.heard)
				require.Equal(t, want, r.Leases())
				require.Len(t, alive, len(r.Instances("p"))+len(r.Instances("q")))
			},
		})
	})
}

// A heartbeat is never lost, whoever looks for what has run out meanwhile.
func TestExpiryMayRunBesideHeartbeatsAndRegistrations(t *testing.T) {
	const workers, rounds = 4, 100
	r := leased(t, 0, registry.LeaseConfig{Share: 1})
	expired := make([]int, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				id := fmt.Sprint(w, "-", i)
				registerLeased(t, r, id, push(300, 0))
				assert.NoError(t, r.Heartbeat("cart", id, at(200)))
				_, err := r.SetStatus("cart", id, registry.StatusDown, at(i))
				assert.NoError(t, err)
				for _, c := range r.Expire(at(i)).Changes {
					expired[w] += len(c.Encoded())
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, make([]int, workers), expired)
	assert.Equal(t, registry.Expiry{Next: at(500)}, r.Expire(at(499)))
	assert.Len(t, r.Expire(at(500)).Changes, workers*rounds)
}
