package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// drawnMax is how many runs the drawings of a document show at most: more lines than that can't be
// told apart, and every one of them makes the page larger.
const drawnMax = 12

// picked is a result with the runs of it that are drawn.
type picked struct {
	*Result
	shown []int // their indices, which rise
	best  int   // the recommended run; -1: none

	common []sim.Setting // that all runs have, so that no name has to say it
}

// pick chooses the runs to draw. Where a document has few, that is all. Of a search it is first
// those that make its point, and of what there are too many, some from end to end.
func pick(r *Result, best int) *picked {
	p := &picked{Result: r, best: best, common: commonSettings(r.Document)}
	var first []int
	switch d := r.Document; {
	case len(d.Runs) <= drawnMax:
	case d.Capacity != nil:
		for _, k := range d.Capacity.Knee {
			first = append(first, k.Run)
		}
	case d.Recommendation != nil:
		for _, o := range d.Recommendation.Options {
			if len(o.Runs) > 0 {
				first = append(first, o.Runs[0])
			}
		}
	case d.Sweep != nil:
		for _, c := range combos(d) {
			first = append(first, c.runs[0])
		}
	}
	first = slices.DeleteFunc(first, func(i int) bool { return i < 0 || i >= len(r.Runs) })
	if len(first) == 0 {
		for i := range r.Runs {
			first = append(first, i)
		}
	}
	p.shown = spreadOut(first, drawnMax)
	if best >= 0 && !slices.Contains(p.shown, best) {
		p.shown[len(p.shown)/2] = best
	}
	slices.Sort(p.shown)
	p.shown = slices.Compact(p.shown)
	return p
}

// spreadOut takes n of all, from the first to the last.
func spreadOut(all []int, n int) []int {
	if len(all) <= n {
		return slices.Clone(all)
	}
	out := make([]int, n)
	for i := range out {
		out[i] = all[i*(len(all)-1)/(n-1)]
	}
	return out
}

// commonSettings are those that all runs have.
func commonSettings(d *sim.Document) []sim.Setting {
	if len(d.Runs) < 2 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(d.Runs[0].Settings), func(s sim.Setting) bool {
		return slices.ContainsFunc(d.Runs, func(r *sim.Run) bool {
			return !slices.Contains(r.Settings, s)
		})
	})
}

// left says which runs aren't drawn and what their names leave out; it is empty for neither.
func (p *picked) left() string {
	var text []string
	if len(p.shown) < len(p.Runs) {
		text = append(text, fmt.Sprintf("The drawings and the tables below them show %d of the "+
			"%d runs; simulate report --run shows others.", len(p.shown), len(p.Runs)))
	}
	if len(p.common) > 0 {
		var words []string
		for _, s := range p.common {
			words = append(words, s.Path+"="+s.Value)
		}
		text = append(text, "All of them have "+strings.Join(words, ", ")+".")
	}
	return strings.Join(text, " ")
}

// name is that of run i, without what all runs have.
func (p *picked) name(i int) string { return nameBut(p.Runs[i], p.common) }

// RunName names a run in a sentence: its configuration, and what else was set for it alone.
func RunName(r *sim.Run) string { return nameBut(r, nil) }

func nameBut(r *sim.Run, common []sim.Setting) string {
	if own := variedBut(r, common); own != "" {
		return Name(&r.Config) + " " + own
	}
	return Name(&r.Config)
}

// varied is what was set for a run alone, without what is in the name of its configuration.
func varied(r *sim.Run) string { return variedBut(r, nil) }

func variedBut(r *sim.Run, common []sim.Setting) string {
	text := Own(slices.DeleteFunc(slices.Clone(r.Settings), func(s sim.Setting) bool {
		return slices.Contains(common, s)
	}))
	if r.Seed != 0 {
		text = strings.TrimSpace(fmt.Sprintf("%s seed %d", text, r.Seed))
	}
	return text
}

// Own shows settings, without those that are in the name of a configuration.
func Own(settings []sim.Setting) string {
	var words []string
	for _, s := range settings {
		if !slices.Contains(named, s.Path) {
			words = append(words, s.Path+"="+s.Value)
		}
	}
	return strings.Join(words, " ")
}

// named are the settings that are part of a configuration's name already.
var named = []string{"engine", "policy", "queue_size", "watcher_queue", "seed"}

// commandOf is the command line that repeats a run, with the load that it had.
func commandOf(d *sim.Document, r *sim.Run) string {
	if len(r.Settings) == 0 && r.Seed == 0 {
		return Command(d, &r.Config)
	}
	own := *d
	for _, s := range r.Settings {
		// What isn't a field of the scenario is one of the configuration, which says it itself.
		_ = own.Scenario.Set(s.Path, s.Value)
	}
	if r.Seed != 0 {
		own.Scenario.Seed = r.Seed
	}
	return Command(&own, &r.Config)
}
