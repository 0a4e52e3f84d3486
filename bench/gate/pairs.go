package gate

import (
	"maps"
	"math"
	"slices"
)

// Figures are what one run of a test binary measured, by benchmark and unit. Less is better.
type Figures map[string]float64

// Pair is two runs of each side, base, head, head, base in time.
type Pair struct{ Base, Head [2]Figures }

// estimates turns pairs into one log-ratio each per metric. What can't be estimated comes as lines.
func (r Rule) estimates(pairs []Pair, metrics []string) (es []*estimate, lines []Line) {
	for _, m := range metrics {
		ratios, inBase, inHead := logRatios(pairs, m)
		switch {
		case inBase+inHead == 0:
			lines = append(lines, because(m, Invalid, "not one figure above zero"))
		case inBase == 0:
			lines = append(lines, because(m, New, "only head has it"))
		case inHead < inBase:
			lines = append(lines, because(m, Failed,
				"missing: base has it in %d runs, head in %d", inBase, inHead))
		case len(ratios) < max(r.Pairs, PairsMin):
			lines = append(lines, because(m, Invalid, "too few samples: %d pairs, want %d",
				len(ratios), max(r.Pairs, PairsMin)))
		default:
			e := newEstimate(m, ratios)
			e.base = medianOf(pairs, m, func(p *Pair) *[2]Figures { return &p.Base })
			e.head = medianOf(pairs, m, func(p *Pair) *[2]Figures { return &p.Head })
			es = append(es, e)
		}
	}
	return es, lines
}

func metricsOf(pairs []Pair) []string {
	all := make(map[string]bool)
	for _, p := range pairs {
		for _, side := range [][2]Figures{p.Base, p.Head} {
			for _, f := range side {
				for m := range f {
					all[m] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// logRatios gives the ratio of head to base of each pair that has all four figures, and how many
// runs of each side have one. A figure that isn't positive can't be: it counts as none.
func logRatios(pairs []Pair, metric string) (ratios []float64, inBase, inHead int) {
	for _, p := range pairs {
		sum, whole := 0.0, true
		for i := range 2 {
			base, head := p.Base[i][metric], p.Head[i][metric]
			if base > 0 {
				inBase++
			}
			if head > 0 {
				inHead++
			}
			whole = whole && base > 0 && head > 0
			sum += math.Log(head) - math.Log(base)
		}
		if whole && !math.IsInf(sum, 0) && !math.IsNaN(sum) {
			ratios = append(ratios, sum/2)
		}
	}
	return ratios, inBase, inHead
}

// medianOf is the middle figure of a side over all runs that have one.
func medianOf(pairs []Pair, metric string, side func(*Pair) *[2]Figures) float64 {
	var all []float64
	for i := range pairs {
		for _, f := range side(&pairs[i]) {
			if v, ok := f[metric]; ok {
				all = append(all, v)
			}
		}
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}
