package registry_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
)

// at is a time of the lease tests.
func at(seconds int) time.Time { return time.Unix(1_000_000+int64(seconds), 0).UTC() }

func push(interval, times int) *registry.HealthCheck {
	return &registry.HealthCheck{Mode: "push", Interval: interval, Times: times}
}

// leased is a registry that keeps leases, with n instances of a service "cart" that were
// registered at 0 and have leases of 10 × (2 + 1) s.
func leased(t *testing.T, n int, c registry.LeaseConfig) *registry.Registry {
	r := world(t, "cart", "web")
	depend(t, r, "web", key("cart", "0+"))
	require.NoError(t, r.KeepLeases(c))
	for i := range n {
		registerLeased(t, r, fmt.Sprint("i", i), push(10, 2))
	}
	r.Expire(at(0))
	return r
}

func registerLeased(t *testing.T, r *registry.Registry, id string, h *registry.HealthCheck) {
	t.Helper()
	_, err := r.Register(registry.Instance{ID: id, ServiceID: "cart", HealthCheck: h})
	require.NoError(t, err)
}

func heartbeat(t *testing.T, r *registry.Registry, id string, now time.Time) {
	t.Helper()
	require.NoError(t, r.Heartbeat("cart", id, now))
}

func goneOf(e registry.Expiry) (ids []string) {
	for _, c := range e.Changes {
		ids = append(ids, c.Instance.ID)
	}
	return ids
}

func TestALeaseLastsTheIntervalTimesOneMoreThanTheMissedOnes(t *testing.T) {
	r := leased(t, 1, registry.LeaseConfig{})
	assert.Equal(t, registry.Expiry{Next: at(30)}, r.Expire(at(29)))
	before := r.Revision()
	e := r.Expire(at(30))
	require.Equal(t, []string{"i0"}, goneOf(e))
	assert.Zero(t, e.Next)
	c := e.Changes[0]
	assert.Equal(t, registry.Delete, c.Action)
	assert.Equal(t, before+1, c.Revision)
	assert.Equal(t, []string{"web"}, c.Consumers)
	assert.Empty(t, r.Instances("cart"))
	assert.Equal(t, registry.LeaseStats{Expired: 1}, r.Leases())
}

func TestOnlyPushModeIsLeased(t *testing.T) {
	for name, h := range map[string]*registry.HealthCheck{
		"none":       nil,
		"pull":       {Mode: "pull", Interval: 1},
		"no mode":    {Interval: 1},
		"interval":   push(0, 3),
		"interval<0": push(-1, 3),
		"times":      push(1, -1),
	} {
		r := leased(t, 0, registry.LeaseConfig{})
		registerLeased(t, r, "i", h)
		assert.Equal(t, registry.Expiry{}, r.Expire(at(0)), name)
		heartbeat(t, r, "i", at(0))
		assert.Equal(t, registry.Expiry{}, r.Expire(at(1e6)), name)
	}
	r := leased(t, 0, registry.LeaseConfig{})
	registerLeased(t, r, "i", push(1, 0))
	assert.Equal(t, at(1), r.Expire(at(0)).Next, "no heartbeat may be missed")
	registerLeased(t, r, "i", push(math.MaxInt, math.MaxInt))
	assert.Equal(t, at(365*24*3600), r.Expire(at(0)).Next, "a year is the longest")
}

func TestAHeartbeatRenewsAndIsNoChange(t *testing.T) {
	r := leased(t, 2, registry.LeaseConfig{})
	before := r.Revision()
	heartbeat(t, r, "i0", at(20))
	heartbeat(t, r, "i0", at(5)) // late in coming, and no step back
	assert.Equal(t, before, r.Revision())
	e := r.Expire(at(30))
	assert.Equal(t, []string{"i1"}, goneOf(e))
	assert.Equal(t, at(50), e.Next)
	heartbeat(t, r, "i0", at(55)) // ran out at 50, but nobody saw it
	assert.Equal(t, registry.Expiry{Next: at(85)}, r.Expire(at(60)))

	assert.ErrorIs(t, r.Heartbeat("cart", "i1", at(60)), registry.ErrUnknownInstance)
	assert.ErrorIs(t, r.Heartbeat("nowhere", "i1", at(60)), registry.ErrUnknownService)
}

func TestRegisteringStartsALeaseAnewAtTheNextTimeThatIsTold(t *testing.T) {
	r := leased(t, 1, registry.LeaseConfig{})
	registerLeased(t, r, "i0", push(10, 2))
	assert.Equal(t, registry.Expiry{Next: at(70)}, r.Expire(at(40)), "long over, but it's back")
	registerLeased(t, r, "i0", push(1, 0))
	heartbeat(t, r, "i0", at(41))
	assert.Equal(t, []string{"i0"}, goneOf(r.Expire(at(42))), "shorter than it was")

	registerLeased(t, r, "i1", push(1, 0))
	r.Expire(at(42))
	registerLeased(t, r, "i1", nil)
	assert.Equal(t, registry.Expiry{}, r.Expire(at(100)), "leased no more")
	assert.Zero(t, r.Leases().Leased)
}

func TestExpiryIsInAFixedOrder(t *testing.T) {
	for range 10 { // maps are in another order each time
		r := leased(t, 5, registry.LeaseConfig{Share: 1})
		put(t, r, "book")
		_, err := r.Register(registry.Instance{ID: "z", ServiceID: "book",
			HealthCheck: push(10, 2)})
		require.NoError(t, err)
		heartbeat(t, r, "i2", at(3))
		require.NoError(t, r.Heartbeat("book", "z", at(3)))
		heartbeat(t, r, "i0", at(5))
		e := r.Expire(at(90))
		assert.Equal(t, []string{"i1", "i3", "i4", "z", "i2", "i0"}, goneOf(e))
		for i, c := range e.Changes {
			assert.Equal(t, e.Changes[0].Revision+int64(i), c.Revision)
		}
	}
}

func TestWhatGoesOfAServiceAllAtOnceIsHeld(t *testing.T) {
	r := leased(t, 10, registry.LeaseConfig{})
	for i := range 2 {
		heartbeat(t, r, fmt.Sprint("i", i), at(25))
	}
	e := r.Expire(at(30)) // 8 of 10
	assert.Equal(t, registry.Expiry{Held: 8, Next: at(32)}, e)
	assert.Equal(t, registry.LeaseStats{Leased: 10, Held: 8, Pauses: 1}, r.Leases())
	assert.Len(t, r.Instances("cart"), 10)

	heartbeat(t, r, "i2", at(31)) // 7 of 10 is less than 80 %
	e = r.Expire(at(31))
	assert.Equal(t, []string{"i3", "i4", "i5", "i6", "i7", "i8", "i9"}, goneOf(e))
	assert.Equal(t, at(55), e.Next)
	assert.Equal(t, registry.LeaseStats{Leased: 3, Expired: 7, Pauses: 1}, r.Leases())
}

func TestAServiceIsJudgedByItsOwnInstances(t *testing.T) {
	r := leased(t, 10, registry.LeaseConfig{})
	put(t, r, "book")
	for i := range 10 {
		_, err := r.Register(registry.Instance{ID: fmt.Sprint("b", i), ServiceID: "book",
			HealthCheck: push(10, 2)})
		require.NoError(t, err)
	}
	r.Expire(at(5))
	for i := range 9 {
		require.NoError(t, r.Heartbeat("book", fmt.Sprint("b", i), at(20)))
	}
	e := r.Expire(at(35)) // all of cart's, and one of book's
	assert.Equal(t, []string{"b9"}, goneOf(e))
	assert.Equal(t, 10, e.Held)
	assert.Equal(t, at(37), e.Next)
}

func TestLossesOfOneWindowCountTogether(t *testing.T) {
	lose := func(gap int) registry.LeaseStats {
		r := leased(t, 10, registry.LeaseConfig{Window: 10 * time.Second})
		for i := range 10 {
			heartbeat(t, r, fmt.Sprint("i", i), at(i*gap))
		}
		for now := range 30 + 7*gap + 1 {
			r.Expire(at(now))
		}
		return r.Leases()
	}
	assert.Equal(t, registry.LeaseStats{Leased: 3, Held: 1, Expired: 7, Pauses: 1}, lose(1),
		"the eighth of ten, within 10 s")
	assert.Equal(t, registry.LeaseStats{Leased: 2, Expired: 8}, lose(10), "one by one")
}

// loseAt has the instances from first on, up to last, run out at a time.
func loseAt(t *testing.T, r *registry.Registry, first, last, seconds int) {
	t.Helper()
	for i := first; i <= last; i++ {
		heartbeat(t, r, fmt.Sprint("i", i), at(seconds-30))
	}
}

func TestLossesAWindowAgoAndThoseBelievedCountNoMore(t *testing.T) {
	r := leased(t, 20, registry.LeaseConfig{Window: 10 * time.Second})
	loseAt(t, r, 15, 17, 40)
	loseAt(t, r, 18, 19, 90)
	assert.Len(t, r.Expire(at(30)).Changes, 15)
	assert.Len(t, r.Expire(at(40)).Changes, 3, "just a window later")

	r = leased(t, 20, registry.LeaseConfig{Window: 100 * time.Second, Hold: time.Second})
	loseAt(t, r, 15, 15, 31)
	loseAt(t, r, 16, 16, 33)
	loseAt(t, r, 17, 19, 90)
	assert.Len(t, r.Expire(at(30)).Changes, 15)
	assert.Equal(t, 1, r.Expire(at(31)).Held)
	assert.Len(t, r.Expire(at(32)).Changes, 1, "believed")
	assert.Equal(t, 1, r.Expire(at(33)).Held, "the 15 still count")
}

func TestAnInstanceIsHeldNoLongerThanItsLeaseWas(t *testing.T) {
	for _, test := range []struct {
		hold     time.Duration
		believed int
	}{{0, 60}, {10 * time.Second, 40}, {time.Hour, 60}} {
		r := leased(t, 10, registry.LeaseConfig{Hold: test.hold})
		heartbeat(t, r, "i9", at(120))
		for now := 30; now < test.believed; now++ {
			e := r.Expire(at(now))
			require.Equal(t, 9, e.Held)
			require.Equal(t, at(min(now+2, test.believed)), e.Next)
		}
		e := r.Expire(at(test.believed))
		assert.Len(t, e.Changes, 9)
		assert.Equal(t, at(150), e.Next)
		assert.Len(t, r.Expire(at(150)).Changes, 1, "what was believed doesn't hold the next")
		assert.Equal(t, registry.LeaseStats{Expired: 10, Pauses: 1}, r.Leases())
	}
}

func TestFewInstancesAreNotHeld(t *testing.T) {
	r := leased(t, 5, registry.LeaseConfig{})
	assert.Len(t, r.Expire(at(30)).Changes, 5, "fewer than 6")
	r = leased(t, 6, registry.LeaseConfig{})
	assert.Equal(t, 6, r.Expire(at(30)).Held)
	r = leased(t, 4, registry.LeaseConfig{Min: 4})
	assert.Equal(t, 4, r.Expire(at(30)).Held)
	r = leased(t, 10, registry.LeaseConfig{Share: 1})
	assert.Len(t, r.Expire(at(30)).Changes, 10, "never holds any")
}

func TestAServiceThatIsHeldAgainPausesAgain(t *testing.T) {
	r := leased(t, 10, registry.LeaseConfig{})
	assert.Equal(t, 10, r.Expire(at(30)).Held)
	loseAt(t, r, 0, 9, 60)
	assert.Zero(t, r.Expire(at(31)).Held, "all came back")
	assert.Equal(t, 10, r.Expire(at(60)).Held)
	assert.Equal(t, int64(2), r.Leases().Pauses)
}

func TestWhatGoesTakesItsLeaseAlong(t *testing.T) {
	r := leased(t, 3, registry.LeaseConfig{})
	registerLeased(t, r, "new", push(10, 2))
	for _, id := range []string{"i1", "new"} {
		_, err := r.Deregister("cart", id)
		require.NoError(t, err)
	}
	assert.Equal(t, 2, r.Leases().Leased)
	_, err := r.DeleteService("cart")
	require.NoError(t, err)
	assert.Zero(t, r.Leases().Leased)
	assert.Equal(t, registry.Expiry{}, r.Expire(at(100)))
}

func TestARegistryKeepsNoLeasesUntilToldTo(t *testing.T) {
	r := world(t, "cart")
	registerLeased(t, r, "i", push(10, 2))
	heartbeat(t, r, "i", at(0))
	assert.Equal(t, registry.Expiry{}, r.Expire(at(1000)))
	assert.Equal(t, registry.LeaseStats{}, r.Leases())
	require.NoError(t, r.KeepLeases(registry.LeaseConfig{}))
	assert.Equal(t, at(1030), r.Expire(at(1000)).Next, "as if it were registered now")
	require.NoError(t, r.KeepLeases(registry.LeaseConfig{Share: 1}))
	assert.Equal(t, []string{"i"}, goneOf(r.Expire(at(1030))), "the second call keeps the leases")
}

func TestLeaseConfigReportsAllMistakesAtOnce(t *testing.T) {
	err := registry.New().KeepLeases(registry.LeaseConfig{Share: math.NaN(), Min: -1, Window: -1,
		Hold: -1})
	require.ErrorIs(t, err, registry.ErrInvalid)
	for _, field := range []string{"Share", "Min", "Window", "Hold"} {
		assert.ErrorContains(t, err, field)
	}
	assert.NoError(t, registry.LeaseConfig{Share: 1, Window: math.MaxInt64}.Validate())
	assert.Error(t, registry.LeaseConfig{Share: 1.1}.Validate())
}

func BenchmarkHeartbeat(b *testing.B) {
	for _, size := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("instances=%d", size), func(b *testing.B) {
			r := registry.New()
			put(b, r, "p")
			require.NoError(b, r.KeepLeases(registry.LeaseConfig{}))
			ids := make([]string, size)
			for i := range ids {
				ids[i] = fmt.Sprint("i", i)
				_, err := r.Register(registry.Instance{ID: ids[i], ServiceID: "p",
					HealthCheck: push(30, 3)})
				require.NoError(b, err)
			}
			r.Expire(at(0))
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				// All heartbeats of a second together, and one look a second.
				now := at(n / (size/30 + 1))
				if err := r.Heartbeat("p", ids[n%size], now); err != nil {
					b.Fatal(err)
				}
				if n%(size/30+1) == 0 && len(r.Expire(now).Changes) > 0 {
					b.Fatal("expired")
				}
			}
		})
	}
}
