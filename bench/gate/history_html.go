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

// The size of a plot in the page, in its own units.
const (
	plotWidth  = 400.0
	plotHeight = 100.0
)

// plot is a series as the page draws it.
type plot struct {
	ID        string
	Name      string
	Unit      string
	Low, High string // ends of the axis
	From, To  string // ends of the time
	Last      string
	Path      string // of the line
	Dots      []dot
	Changes   []string
}

// dot is a value in a plot.
type dot struct {
	X, Y   float64
	Title  string
	Change bool
}

func (s *Series) plot(id string) plot {
	low, high := scale(s.Values)
	n := len(s.Values)
	l := nameLine(s.Metric)
	p := plot{ID: id, Name: l.Name, Unit: l.Metric, Low: Number(low), High: Number(high),
		From: s.Dates[0].Format(time.DateOnly), To: s.Dates[n-1].Format(time.DateOnly),
		Last: Number(s.Values[n-1]), Changes: s.ChangeList()}
	step := plotWidth / float64(max(n-1, 1))
	var path strings.Builder
	for i, v := range s.Values {
		d := dot{float64(i) * step, (high - v) / (high - low) * plotHeight, fmt.Sprintf("%s %s: %s",
			s.Dates[i].Format(time.DateOnly), short(s.Commits[i]), Number(v)),
			slices.Contains(s.Changes, i)}
		p.Dots = append(p.Dots, d)
		fmt.Fprintf(&path, "%.1f,%.1f ", d.X, d.Y)
	}
	p.Path = path.String()
	return p
}

// machinePage is one machine in the page: a plot of what varied, what changed its level first, and
// a line of what didn't.
type machinePage struct {
	About string
	Plots []plot
	Same  []plot
}

//go:embed history.html
var historyPage string

var historyTemplate = template.Must(template.New("history").Parse(historyPage))

// HistoryHTML writes a page that needs nothing else: the answer, the change points, and a plot per
// series. The error is w's.
func HistoryHTML(w io.Writer, all []Series) error {
	by := courses(all)
	page := struct {
		Headline string
		Changed  []plot
		Machines []machinePage
	}{Headline: headline(by)}
	for m, c := range by {
		on := machinePage{About: c.About()}
		for i := range c.Series {
			p := c.Series[i].plot(fmt.Sprintf("plot-%d-%d", m, i))
			switch {
			case len(p.Changes) > 0:
				page.Changed = append(page.Changed, p)
				on.Plots = append(on.Plots, p)
			case constant(c.Series[i].Values):
				on.Same = append(on.Same, p)
			default:
				on.Plots = append(on.Plots, p)
			}
		}
		slices.SortStableFunc(on.Plots, func(a, b plot) int {
			return min(len(b.Changes), 1) - min(len(a.Changes), 1)
		})
		page.Machines = append(page.Machines, on)
	}
	return historyTemplate.Execute(w, page)
}
