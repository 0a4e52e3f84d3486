package gate

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

// shortCommit is enough of one to find it.
const shortCommit = 12

func short(commit string) string { return commit[:min(len(commit), shortCommit)] }

var bars = []rune("▁▂▃▄▅▆▇█")

// heights scales values to 0…1; one that is the same all over lies in the middle.
func heights(values []float64) []float64 {
	low, high := slices.Min(values), slices.Max(values)
	h := make([]float64, len(values))
	for i, v := range values {
		h[i] = 0.5
		if high > low {
			h[i] = (v - low) / (high - low)
		}
	}
	return h
}

// sparkValues is how many of the last values the text shows.
const sparkValues = 60

// HistoryText writes a line per series, with the last values as bars, and one per change point. The
// error is w's.
func HistoryText(w io.Writer, all []Series) error {
	var b strings.Builder
	for i := range all {
		s := &all[i]
		fmt.Fprintf(&b, "%s (%s)\n  ", s.Metric, s.Machine)
		for _, h := range heights(s.Values[max(0, len(s.Values)-sparkValues):]) {
			b.WriteRune(bars[int(h*float64(len(bars)-1)+0.5)])
		}
		fmt.Fprintf(&b, "  %d runs, %s to %s, last %s\n", len(s.Values),
			Number(slices.Min(s.Values)), Number(slices.Max(s.Values)),
			Number(s.Values[len(s.Values)-1]))
		for _, c := range s.ChangeList() {
			fmt.Fprintf(&b, "  change point: %s\n", c)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// ChangeList words the change points, with the means before and after.
func (s *Series) ChangeList() (list []string) {
	ends := append(slices.Clone(s.Changes), len(s.Values))
	from := 0
	for i, at := range s.Changes {
		before, after := mean(s.Values[from:at]), mean(s.Values[at:ends[i+1]])
		list = append(list, fmt.Sprintf("%s at %s: %s, before %s",
			s.Dates[at].Format(time.DateOnly), short(s.Commits[at]), Number(after), Number(before)))
		from = at
	}
	return list
}

func mean(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// The size of a plot in the page, in its own units.
const (
	plotWidth  = 600.0
	plotHeight = 80.0
)

// dot is a value in a plot.
type dot struct {
	X, Y   float64
	Title  string
	Change bool
}

func (s *Series) dots() []dot {
	dots := make([]dot, len(s.Values))
	step := plotWidth / float64(max(len(s.Values)-1, 1))
	for i, h := range heights(s.Values) {
		dots[i] = dot{float64(i) * step, (1 - h) * plotHeight, fmt.Sprintf("%s %s: %s",
			s.Dates[i].Format(time.DateOnly), short(s.Commits[i]), Number(s.Values[i])),
			slices.Contains(s.Changes, i)}
	}
	return dots
}

//go:embed history.html
var historyPage string

var historyTemplate = template.Must(template.New("history").Funcs(template.FuncMap{
	"dots": func(s Series) []dot { return s.dots() },
	"path": func(dots []dot) string {
		var b strings.Builder
		for _, d := range dots {
			fmt.Fprintf(&b, "%.1f,%.1f ", d.X, d.Y)
		}
		return b.String()
	},
	"changes": func(s Series) []string { return s.ChangeList() },
	"low":     func(s Series) string { return Number(slices.Min(s.Values)) },
	"high":    func(s Series) string { return Number(slices.Max(s.Values)) },
}).Parse(historyPage))

// HistoryHTML writes a page that needs nothing else: a plot per series, with its change points. The
// error is w's.
func HistoryHTML(w io.Writer, all []Series) error { return historyTemplate.Execute(w, all) }
