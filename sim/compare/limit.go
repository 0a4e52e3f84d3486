package compare

import (
	"fmt"
	"math"
	"slices"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// Limit is the largest load that a configuration carries, on both sides.
type Limit struct {
	Find    string      `json:"find"` // the load: consumers, rate or providers
	Config  sim.Config  `json:"config"`
	A       *LimitValue `json:"a"` // nil: that side didn't search for it
	B       *LimitValue `json:"b"`
	Change  *float64    `json:"change"` // as a share of A; nil without both
	Outcome Outcome     `json:"outcome"`
	Note    string      `json:"note,omitempty"`
}

// LimitValue is what one side found.
type LimitValue struct {
	Limit  float64 `json:"limit"` // 0: it meets the objectives at no load
	Low    float64 `json:"low"`   // the interval over the seeds
	High   float64 `json:"high"`  // 0: unknown, or without an end
	Level  float64 `json:"level"` // of the interval; 0: 95 %
	Beyond float64 `json:"beyond,omitempty"`
	Reason string  `json:"reason,omitempty"` // what fails beyond it
}

// limits lays the limits beside each other that the documents found. A limit has changed if the
// intervals have no load in common: the search is as fine as its tolerance, so that two limits in
// one interval may be the same.
func limits(a, b []*Document) []*Limit {
	var out []*Limit
	found := make(map[*Limit][2][]*Document)
	for side, docs := range [][]*Document{a, b} {
		for _, d := range docs {
			if d.Capacity == nil {
				continue
			}
			i := slices.IndexFunc(out, func(l *Limit) bool {
				return l.Find == d.Capacity.Find && l.Config == d.Capacity.Config
			})
			if i < 0 {
				i = len(out)
				out = append(out, &Limit{Find: d.Capacity.Find, Config: d.Capacity.Config})
			}
			both := found[out[i]]
			both[side] = append(both[side], d)
			found[out[i]] = both
		}
	}
	for _, l := range out {
		l.judge(found[l][0], found[l][1])
	}
	return out
}

func (l *Limit) judge(a, b []*Document) {
	l.Outcome = Missing
	switch {
	case len(a) == 0:
		l.Note = "A didn't search for it"
	case len(b) == 0:
		l.Note = "B didn't search for it"
	case len(a) > 1 || len(b) > 1:
		l.Note = fmt.Sprintf("%d and %d documents found one: want one of each side, for a search "+
			"has its seeds in it", len(a), len(b))
		return
	}
	if len(a) > 0 {
		l.A = limitOf(a[0].Capacity)
	}
	if len(b) > 0 {
		l.B = limitOf(b[0].Capacity)
	}
	if l.A == nil || l.B == nil {
		return
	}
	if !slices.Equal(a[0].Scenario.SLOs, b[0].Scenario.SLOs) {
		l.Note = "the objectives differ, so the limits can't be compared"
		return
	}
	l.settle()
}

func limitOf(c *sim.Capacity) *LimitValue {
	return &LimitValue{Limit: c.Limit, Low: c.Low, High: c.High, Level: c.Level, Beyond: c.Beyond,
		Reason: c.Reason}
}

func (l *Limit) settle() {
	if l.A.Limit > 0 {
		l.Change = new(l.B.Limit/l.A.Limit - 1)
	}
	lowA, highA := l.A.ends()
	lowB, highB := l.B.ends()
	switch {
	case l.A.Limit == l.B.Limit && l.A.Low == l.B.Low && l.A.High == l.B.High:
		l.Outcome = Equal
	case lowB > highA:
		l.Outcome = Better
	case highB < lowA:
		l.Outcome = Worse
	default:
		l.Outcome = Unclear
		l.Note = "the intervals have loads in common"
	}
}

// ends are those of the interval, as far as they are known. Of a configuration that carries nothing
// there is none.
func (v *LimitValue) ends() (low, high float64) {
	if low, high = v.Low, v.High; v.Limit == 0 {
		return 0, 0
	}
	if high == 0 {
		high = math.Inf(1)
	}
	return low, high
}

// String shows a limit with its interval.
func (v *LimitValue) String() string {
	switch {
	case v == nil:
		return "-"
	case v.Limit == 0:
		return "none"
	}
	c := sim.Capacity{Limit: v.Limit, Low: v.Low, High: v.High, Level: v.Level}
	return report.LimitText(&c)
}
