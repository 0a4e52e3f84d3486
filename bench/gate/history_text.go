package gate

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// course is the figures of one machine.
type course struct {
	Machine  string
	Series   []Series
	Runs     int
	From, To time.Time
}

// courses splits series, which are in the order of AllSeries, by machine.
func courses(all []Series) (by []course) {
	for _, s := range all {
		if n := len(by); n == 0 || by[n-1].Machine != s.Machine {
			by = append(by, course{Machine: s.Machine, From: s.Dates[0], To: s.Dates[0]})
		}
		c := &by[len(by)-1]
		c.Series = append(c.Series, s)
		c.Runs = max(c.Runs, len(s.Values))
		for _, d := range s.Dates {
			if d.Before(c.From) {
				c.From = d
			}
			if d.After(c.To) {
				c.To = d
			}
		}
	}
	return by
}

// About is a heading: the machine, and how much is known of it.
func (c course) About() string {
	when := c.From.Format(time.DateOnly)
	if to := c.To.Format(time.DateOnly); to != when {
		when += " to " + to
	}
	return fmt.Sprintf("%s: %s, %s", c.Machine, plural(c.Runs, "run"), when)
}

// headline is the answer: how many change points there are in how much.
func headline(by []course) string {
	points, runs, most := 0, 0, 0
	names := make(map[string]bool)
	for _, c := range by {
		runs, most = runs+c.Runs, max(most, c.Runs)
		for i := range c.Series {
			points += len(c.Series[i].Changes)
			names[c.Series[i].Metric] = true
		}
	}
	of := fmt.Sprintf("in %s of %s", plural(len(names), "figure"), plural(runs, "run"))
	switch {
	case points > 0:
		return plural(points, "change point") + " " + of
	case most < 2*segmentMin:
		return fmt.Sprintf("No change point yet %s: it takes %d of one machine", of, 2*segmentMin)
	}
	return "No change point " + of
}

func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// ChangeList words the change points, with the means before and after.
func (s *Series) ChangeList() (list []string) {
	ends := append(slices.Clone(s.Changes), len(s.Values))
	from := 0
	for i, at := range s.Changes {
		before, after := mean(s.Values[from:at]), mean(s.Values[at:ends[i+1]])
		text := fmt.Sprintf("%s at %s: %s, before %s", s.Dates[at].Format(time.DateOnly),
			short(s.Commits[at]), Number(after), Number(before))
		if before != 0 {
			text += " (" + percent(ptr(after/before-1)) + ")"
		}
		list = append(list, text)
		from = at
	}
	return list
}

// shortCommit is enough of one to find it.
const shortCommit = 12

func short(commit string) string { return commit[:min(len(commit), shortCommit)] }

func mean(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

var bars = []rune("▁▂▃▄▅▆▇█")

// sparkValues is how many of the last values the text shows.
const sparkValues = 60

// spark draws the last values as bars; those that are the same all over have nothing to show.
func spark(values []float64) string {
	last := values[max(0, len(values)-sparkValues):]
	if constant(values) {
		return ""
	}
	low, high := scale(last)
	var b strings.Builder
	for _, v := range last {
		b.WriteRune(bars[int((v-low)/(high-low)*float64(len(bars)-1)+0.5)])
	}
	return b.String()
}

// swing is the least part of its middle that a scale spans: noise of a few per cent must not look
// like a mountain range.
const swing = 0.2

// scale gives the ends of an axis for values.
func scale(values []float64) (low, high float64) {
	low, high = slices.Min(values), slices.Max(values)
	if middle := (low + high) / 2; high-low < swing*middle {
		return middle * (1 - swing/2), middle * (1 + swing/2)
	}
	if low == high { // zero or less
		return low - 1, high + 1
	}
	return low, high
}

// HistoryText writes the answer, the change points, and a line per series with its last values as
// bars. The error is w's.
func HistoryText(w io.Writer, all []Series) error {
	by := courses(all)
	var b strings.Builder
	fmt.Fprintln(&b, headline(by))
	for i := range all {
		for _, c := range all[i].ChangeList() {
			fmt.Fprintf(&b, "  %s: %s\n", all[i].Metric, c)
		}
	}
	for _, c := range by {
		fmt.Fprintf(&b, "\n%s\n", c.About())
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "figure\tlast\tleast\tmost\tcourse")
		for i := range c.Series {
			s := &c.Series[i]
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", s.Metric, Number(s.Values[len(s.Values)-1]),
				Number(slices.Min(s.Values)), Number(slices.Max(s.Values)), spark(s.Values))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
