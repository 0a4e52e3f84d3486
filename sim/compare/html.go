package compare

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim/report"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

var page = template.Must(template.New("page").Parse(pageHTML))

// The parts of the page as the template sees them.
type (
	pageView struct {
		CSS    template.CSS
		Title  string
		Word   string // better, worse or changed, if all that changed is; "" else
		Plain  string
		Detail string // the headline, without what Plain says
		Result *Result
		Limits []rowView
		Parts  []part
		Sides  sidesView
	}
	// part is a configuration.
	part struct {
		*Configuration
		ID, Name                   string
		Worse, Better, Other, Same int
		Scale                      *scale // nil: there is nothing to draw
		Rows                       []rowView
	}
	rowView struct {
		Class, Metric, A, B, Change, Interval, Word, Samples, Note string

		SVG template.HTML
	}
	// sidesView is a table of facts with a column per document.
	sidesView struct {
		Names []string
		Facts []fact
	}
	fact struct {
		Name    string
		Values  []string
		Differs bool
	}
)

// HTML writes a result as one page that needs nothing else: no network, no other file, no script.
// The error is w's.
func HTML(w io.Writer, r *Result) error {
	v := pageView{CSS: template.CSS(report.Palette() + pageCSS), Result: r, Sides: facts(r),
		Title: names(r.A) + " and " + names(r.B)}
	for i, cells := range limitRows(r.Limits) {
		v.Limits = append(v.Limits, newRow(cells, class(r.Limits[i].Outcome), ""))
	}
	for i, c := range r.Configurations {
		v.Parts = append(v.Parts, newPart(fmt.Sprintf("c%d", i+1), c))
	}
	v.Plain, v.Word = plainly(v.Parts)
	if len(r.Limits) > 0 {
		v.Plain, v.Word = plainLimits(r.Limits)
	}
	v.Detail = r.Headline
	if said := limitLine(r.Limits) + "; "; len(r.Limits) > 0 {
		v.Detail = strings.TrimPrefix(r.Headline, said)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, &v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

func names(side []Source) string {
	var out []string
	for _, s := range side {
		out = append(out, s.Name)
	}
	return strings.Join(out, ", ")
}

// newPart counts what came out, and draws it.
func newPart(id string, c *Configuration) part {
	p := part{Configuration: c, ID: id, Name: c.Label()}
	if c.Only != "" {
		return p
	}
	p.count(c.Verdict)
	outcomes := []Outcome{c.Verdict}
	for _, o := range c.Objectives {
		p.count(o.Outcome)
		outcomes = append(outcomes, o.Outcome)
	}
	for _, f := range c.Figures {
		p.count(f.Outcome)
	}
	p.Scale = newScale(c.Figures)
	cells := rows(c)
	for i, o := range outcomes {
		p.Rows = append(p.Rows, newRow(cells[i], class(o), ""))
	}
	for i, f := range c.Figures {
		p.Rows = append(p.Rows, newRow(cells[len(outcomes)+i], class(f.Outcome), p.Scale.draw(f)))
	}
	return p
}

func (p *part) count(o Outcome) {
	switch o {
	case Worse:
		p.Worse++
	case Better:
		p.Better++
	case Changed:
		p.Other++
	case Unclear, Equal:
		p.Same++
	}
}

// newRow takes the cells of the table that all forms have.
func newRow(cells []string, class string, svg template.HTML) rowView {
	return rowView{Class: class, Metric: cells[0], A: cells[1], B: cells[2], Change: cells[3],
		Interval: cells[4], Word: cells[5], Samples: cells[6], Note: cells[7], SVG: svg}
}

// class is that of an outcome in the style sheet.
func class(o Outcome) string {
	switch o {
	case Unclear:
		return "unclear"
	case Equal:
		return "equal"
	}
	return string(o)
}

// plainly says what came out in a sentence, and in a word if there is one for it.
func plainly(parts []part) (sentence, word string) {
	var all part
	for _, p := range parts {
		all.Worse += p.Worse
		all.Better += p.Better
		all.Other += p.Other
		all.Same += p.Same
	}
	var said []string
	for _, x := range []struct {
		n    int
		word string
	}{{all.Worse, "worse"}, {all.Better, "better"}, {all.Other, "different"}} {
		switch {
		case x.n == 1:
			said = append(said, "1 figure is "+x.word)
		case x.n > 1:
			said = append(said, fmt.Sprintf("%d figures are %s", x.n, x.word))
		}
	}
	switch {
	case len(said) == 0 && all.Same == 0:
		return "There is nothing to compare.", ""
	case len(said) == 0:
		return "No figure has changed from A to B, as far as can be told.", ""
	case all.Worse > 0 && all.Better == 0:
		word = string(Worse)
	case all.Better > 0 && all.Worse == 0:
		word = string(Better)
	}
	return fmt.Sprintf("From A to B %s; %d are the same, or can't be told apart.",
		strings.Join(said, ", "), all.Same), word
}

// plainLimits is plainly for documents that searched for a limit: that is what they are about.
func plainLimits(all []*Limit) (sentence, word string) {
	for _, l := range all {
		if l.Outcome == Better || l.Outcome == Worse {
			if o := string(l.Outcome); word == "" || word == o {
				word = o
			} else {
				word = string(Changed)
			}
		}
	}
	said := limitLine(all)
	return strings.ToUpper(said[:1]) + said[1:] + ".", word
}

// facts lays what is known of the documents beside each other.
func facts(r *Result) sidesView {
	var v sidesView
	all := slices.Concat(r.A, r.B)
	for i := range all {
		side := "A"
		if i >= len(r.A) {
			side = "B"
		}
		v.Names = append(v.Names, side)
	}
	for _, x := range []struct {
		name  string
		value func(*Source) string
		fate  bool // it differs between any two
	}{
		{"document", func(s *Source) string { return s.Name }, true},
		{"time", func(s *Source) string { return s.Time.Format("2006-01-02 15:04 MST") }, true},
		{"clock", func(s *Source) string { return s.Clock }, false},
		{"seed", func(s *Source) string { return fmt.Sprint(s.Seed) }, false},
		{"scenario", func(s *Source) string { return s.Scenario }, false},
		{"machine", func(s *Source) string { return s.Machine }, false},
		{"Go", func(s *Source) string { return s.GoVersion }, false},
		{"revision", func(s *Source) string { return s.Revision }, false},
	} {
		f := fact{Name: x.name}
		for i := range all {
			f.Values = append(f.Values, x.value(&all[i]))
		}
		f.Differs = !x.fate && len(slices.Compact(slices.Clone(f.Values))) > 1
		v.Facts = append(v.Facts, f)
	}
	return v
}
