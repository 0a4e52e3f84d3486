package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// rowsMax is how many rows a table of a search has at most, and foldedMin how many make it one that
// a reader opens.
const (
	rowsMax   = 400
	foldedMin = 24
)

// answer is that to a question about many loads: drawings and tables of its own.
type answer struct {
	ID, Title, Text string
	Figures         []figure
	Grids           []grid
}

// answersOf are those of the questions that a document answers.
func answersOf(id string, d *sim.Document) []answer {
	var out []answer
	if d.Capacity != nil {
		out = append(out, capacityPart(id, d))
	}
	if d.Recommendation != nil {
		out = append(out, recommendationPart(id, d))
	}
	if d.Sweep != nil {
		out = append(out, sweepPart(id, d))
	}
	return out
}

// add draws a chart if there is anything to draw.
func (p *answer) add(c *chart, text string) {
	if svg := c.draw(); svg != "" {
		p.Figures = append(p.Figures, figure{ID: c.id, Title: c.title, Text: text, SVG: svg,
			Key: c.key(), Lines: true})
	}
}

// fold makes a grid of many rows one that has to be opened, and cuts one of too many.
func (g *grid) fold(what string) {
	if len(g.Rows) > rowsMax {
		g.Text += fmt.Sprintf(" Of %d rows the first %d are here; simulate report --format csv "+
			"has all runs.", len(g.Rows), rowsMax)
		g.Rows = g.Rows[:rowsMax]
	}
	if len(g.Rows) > foldedMin {
		g.Folded = fmt.Sprintf("%d %s", len(g.Rows), what)
	}
}

// capacityPart shows how a configuration behaves up to its limit and beyond.
func capacityPart(id string, d *sim.Document) answer {
	c := d.Capacity
	p := answer{ID: id + "-capacity", Title: "Up to the limit and beyond",
		Text: "An empty dot: the run didn't pass, as its reasons below say."}
	x := linearAxis("load, of the limit", 100, func(v float64) string { return plain(v) + "%" })
	at := func(x float64) string {
		return fmt.Sprintf("%s of the limit, %s %s", percentText(x),
			LoadText(x/100*c.Limit), LoadUnit(c.Find))
	}
	for _, k := range c.Knee {
		x.max = max(x.max, 100*k.Fraction)
	}
	base := chart{x: x, at: at, about: "A dot per load."}
	if c.Limit > 0 {
		base.upright, base.says = 100, "limit: "+LoadText(c.Limit)+" "+LoadUnit(c.Find)
	}
	latency, loss := base, base
	latency.id, latency.title = id+"-knee-latency", "Load and latency"
	latency.yTitle, latency.measure = "p99", &propagated
	latency.limits = limitsOf(&d.Scenario, "propagation_p99", "staleness_p99")
	latency.curves = []curve{{"propagation p99", kneePoints(d, propagated.value)},
		{"staleness p99", kneePoints(d, staleFor.value)}}
	p.add(&latency, "How long events took, and for how long views were out of date.")
	loss.id, loss.title = id+"-knee-loss", "Load and loss"
	loss.yTitle, loss.measure = lossMeasure.name, &lossMeasure
	loss.limits = limitsOf(&d.Scenario, lossMetrics...)
	loss.curves = []curve{{lossMeasure.name, kneePoints(d, lossOf)}}
	p.add(&loss, "What was dropped though its consumer was there.")
	p.Grids = append(p.Grids, trialsGrid(id, d), kneeGrid(id, d))
	return p
}

// runAt is run i of a document; nil for a number that it hasn't.
func runAt(d *sim.Document, i int) *sim.Run {
	if i < 0 || i >= len(d.Runs) {
		return nil
	}
	return d.Runs[i]
}

func kneePoints(d *sim.Document, value func(*sim.Run) float64) []ranged {
	var out []ranged
	for _, k := range d.Capacity.Knee {
		if r := runAt(d, k.Run); r != nil {
			out = append(out, ranged{x: 100 * k.Fraction, bad: r.Verdict != sim.Passed,
				m: middleOf(d, []int{k.Run}, value)})
		}
	}
	return out
}

var runHead = []string{"verdict", "lost", "propagation p99", "staleness p99"}

// runCells are the figures below runHead.
func runCells(r *sim.Run) []cell {
	if r == nil {
		return []cell{{Text: "–"}, {Text: "–"}, {Text: "–"}, {Text: "–"}}
	}
	return []cell{{Word: r.Verdict, Says: Verdict(r)}, {Text: percentText(lossOf(r))},
		{Text: durationText(propagated.value(r))}, {Text: durationText(staleFor.value(r))}}
}

func trialsGrid(id string, d *sim.Document) grid {
	g := grid{ID: id + "-trials", Title: "The trials", Left: 1,
		Text: "In the order in which they were made.",
		Head: append([]string{"phase", LoadUnit(d.Capacity.Find), "seed", "met", "not met"},
			runHead[1:]...)}
	for _, t := range d.Capacity.Trials {
		r := runAt(d, t.Run)
		met := cell{Word: sim.Passed, Says: "yes"}
		if !t.Meets {
			met = cell{Word: sim.Failed, Says: "no"}
		}
		seed := "–"
		if r != nil {
			seed = strconv.FormatUint(seedOf(d, r), 10)
		}
		g.Rows = append(g.Rows, gridRow{Cells: append([]cell{{Text: t.Phase, Left: true},
			{Text: LoadText(t.Load)}, {Text: seed}, met,
			{Text: strings.Join(t.Fails, ", "), Left: true}}, runCells(r)[1:]...)})
	}
	g.fold("trials")
	return g
}

// seedOf is a run's own seed, or else the document's.
func seedOf(d *sim.Document, r *sim.Run) uint64 {
	if r.Seed != 0 {
		return r.Seed
	}
	return d.Seed
}

func kneeGrid(id string, d *sim.Document) grid {
	g := grid{ID: id + "-knee", Title: "The loads of the drawings",
		Text: "Each is a run of its own.",
		Head: append([]string{"of the limit", LoadUnit(d.Capacity.Find)}, runHead...)}
	for _, k := range d.Capacity.Knee {
		g.Rows = append(g.Rows, gridRow{Best: k.Fraction == 1,
			Cells: append([]cell{{Text: percentText(100 * k.Fraction)}, {Text: LoadText(k.Load)}},
				runCells(runAt(d, k.Run))...)})
	}
	g.fold("loads")
	return g
}

// recommendationPart shows what was weighed.
func recommendationPart(id string, d *sim.Document) answer {
	rec := d.Recommendation
	p := answer{ID: id + "-options", Title: "What was weighed"}
	lowest, highest := math.Inf(1), 0.0
	for _, o := range rec.Options {
		if o.Memory > 0 {
			lowest, highest = min(lowest, float64(o.Memory)), max(highest, float64(o.Memory))
		}
	}
	if highest > 0 {
		c := chart{id: id + "-memory", title: "Memory and staleness", measure: &staleFor,
			x:      logAxis("memory of the queues, when all are full", lowest, highest, tickBytes),
			yTitle: "staleness p99", about: "A dot per option.",
			limits: limitsOf(&d.Scenario, "staleness_p99"),
			at:     func(x float64) string { return Bytes(int64(x)) }, curves: optionCurves(rec)}
		p.add(&c, "Further to the left is cheaper, further down is better. An empty dot: it "+
			"doesn't meet the objectives with every seed.")
	}
	g := grid{ID: id + "-option", Title: "All options", Left: 2,
		Text: "Times and loss are the medians over the seeds, with headroom.",
		Head: []string{"engine", "policy", "task queue", "watcher queue", "memory", "met by",
			"not met", "lost", "propagation p99", "staleness p99"}}
	for i := range rec.Options {
		g.Rows = append(g.Rows, optionRow(&rec.Options[i], i == rec.Choice))
	}
	g.fold("options")
	p.Grids = append(p.Grids, g)
	return p
}

func optionRow(o *sim.Option, best bool) gridRow {
	met := cell{Text: fmt.Sprintf("%d of %d", o.Meets, len(o.Runs))}
	if o.Meets < len(o.Runs) {
		met.Word = sim.Failed
	}
	return gridRow{Best: best, Cells: []cell{{Text: o.Config.Engine, Left: true},
		{Text: o.Config.Policy, Left: true}, {Text: strconv.Itoa(o.Config.QueueSize)},
		{Text: strconv.Itoa(o.Config.WatcherQueue)}, {Text: Bytes(o.Memory)}, met,
		{Text: strings.Join(o.Fails, ", "), Left: true}, {Text: percentText(100 * o.Loss)},
		{Text: Duration(o.Latency)}, {Text: Duration(o.Staleness)}}}
}

// optionCurves are a line per engine and policy.
func optionCurves(rec *sim.Recommendation) []curve {
	var out []curve
	for i := range rec.Options {
		o := &rec.Options[i]
		name := o.Config.Engine + " " + o.Config.Policy
		k := slices.IndexFunc(out, func(c curve) bool { return c.name == name })
		if k < 0 {
			k = len(out)
			out = append(out, curve{name: name})
		}
		v := float64(o.Staleness)
		out[k].points = append(out[k].points, ranged{x: float64(o.Memory), m: middle{v, v, v, 1},
			best: i == rec.Choice, bad: o.Meets < len(o.Runs)})
	}
	return out
}

// tickBytes is a round size in powers of ten.
func tickBytes(v float64) string { return tickCount(v) + "B" }
