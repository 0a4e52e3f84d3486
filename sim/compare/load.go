package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// load is what runs have in common that are samples of the same: a configuration, and what was set
// beside the scenario. Only their seeds differ.
type load struct {
	config   sim.Config
	settings string // sorted, so that the order in which they were given is nothing
	world    string // of runs with settings, which may change it
}

func loadOf(r *sim.Run) load {
	l := load{config: r.Config}
	if len(r.Settings) > 0 {
		var all []string
		for _, s := range r.Settings {
			all = append(all, fmt.Sprintf("%q=%q", s.Path, s.Value))
		}
		slices.Sort(all)
		l.settings, l.world = strings.Join(all, " "), r.World
	}
	return l
}

// sample is one run of a load.
type sample struct {
	*sim.Run
	in    *Document
	index int
}

func (s sample) virtual() bool { return s.in.Environment.Clock == sim.VirtualClock }

// seed is the run's own, or else that of its document.
func (s sample) seed() uint64 { return cmp.Or(s.Seed, s.in.Seed) }

// loads lists those of both sides, A's first, each in the order in which it was run.
func loads(sides ...[]*Document) []load {
	var all []load
	known := make(map[load]bool)
	for _, side := range sides {
		for _, d := range side {
			for _, l := range d.loads {
				if !known[l] {
					known[l] = true
					all = append(all, l)
				}
			}
		}
	}
	return all
}

// samplesOf are the runs of a load. In virtual time a search that runs the same again learns
// nothing, so within a document each seed counts once.
func samplesOf(side []*Document, l load) []sample {
	var out []sample
	for _, d := range side {
		first := len(out)
		for i, r := range d.Runs {
			if d.loads[i] != l {
				continue
			}
			s := sample{r, d, i}
			if !s.virtual() || !slices.ContainsFunc(out[first:], func(o sample) bool {
				return o.seed() == s.seed()
			}) {
				out = append(out, s)
			}
		}
	}
	return out
}

// searches reports whether all documents are those of a search, whose runs follow from each other.
func searches(side []*Document) bool {
	return !slices.ContainsFunc(side, func(d *Document) bool {
		return d.Capacity == nil && d.Recommendation == nil
	})
}

// Label names a configuration with what was set for it.
func (c *Configuration) Label() string {
	return strings.TrimSpace(Name(&c.Config) + " " + report.Own(c.Settings))
}
