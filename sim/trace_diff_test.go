package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

// drawnDump is a topology of up to three services with up to four instances each.
func drawnDump(t *rapid.T, label string) *sim.Topology {
	topology := &sim.Topology{Name: label}
	for _, name := range []string{"a", "b", "c"} {
		if !rapid.Bool().Draw(t, label+" has "+name) {
			continue
		}
		s := sim.ServiceSpec{Service: registry.Service{ID: label + name, Key: registry.Key{
			Tenant: "default/default", App: "shop", Name: name, Version: "1.0.0"}}}
		for _, id := range []string{"1", "2", "3", "4"} {
			status := rapid.SampledFrom([]string{"", "UP", "DOWN"}).Draw(t, label+name+id)
			if status != "" {
				s.Real = append(s.Real, registry.Instance{ID: name + id, Status: status})
			}
		}
		s.Instances = len(s.Real)
		topology.Services = append(topology.Services, s)
	}
	return topology
}

// statuses are those of all instances, by service and id.
func statuses(t *sim.Topology) map[[2]string]string {
	all := make(map[[2]string]string)
	for _, s := range t.Services {
		for _, in := range s.Real {
			all[[2]string{s.Service.App + "/" + s.Service.Name, in.ID}] = in.Status
		}
	}
	return all
}

func TestTheChangesOfADifferenceMakeTheOldDumpTheNewOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawnDump(t, "before"), drawnDump(t, "after")
		d := sim.Diff(before, after)
		all := statuses(before)
		n := make(map[registry.Action]int)
		for _, c := range d.Changes {
			at := [2]string{c.Service.Name, c.Instance}
			was, known := all[at]
			require.Equal(t, c.Action != registry.Create, known)
			if n[c.Action]++; c.Action == registry.Delete {
				require.Equal(t, was, c.Status)
				delete(all, at)
				continue
			}
			require.NotEqual(t, was, c.Status)
			all[at] = c.Status
		}
		require.Equal(t, statuses(after), all)
		require.Equal(t, map[registry.Action]int{registry.Create: d.Created,
			registry.Update: d.Updated, registry.Delete: d.Deleted}, map[registry.Action]int{
			registry.Create: n[registry.Create], registry.Update: n[registry.Update],
			registry.Delete: n[registry.Delete]})
		require.Equal(t, len(after.Services)-len(before.Services), len(d.Added)-len(d.Removed))
		require.Empty(t, sim.Diff(after, after).Changes)
	})
}

func TestADifferenceIsSpreadEvenlyInItsOrder(t *testing.T) {
	none := &sim.Topology{}
	d := sim.Diff(none, trainTicket(t))
	require.Len(t, d.Changes, 127)
	assert.Len(t, d.Added, 43)
	assert.Zero(t, d.Changes[126].At, "unless it is asked for")
	d.Spread(127 * time.Second)
	for i, c := range d.Changes {
		assert.InDelta(t, time.Duration(i)*time.Second, c.At, 1000)
	}
}
