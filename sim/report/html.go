package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"reflect"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"count":    func(n any) string { return Count(reflect.ValueOf(n).Convert(uint64Type).Uint()) },
	"duration": Duration, "bytes": Bytes, "healed": healed,
	"lost": func(k sim.Books) uint64 { return Lost(&k) },
}).Parse(pageHTML))

var uint64Type = reflect.TypeFor[uint64]()

// The parts of the page as the template sees them.
type (
	pageView struct {
		CSS      template.CSS
		JS       template.JS
		Title    string
		Articles []article
	}
	// article is all about one document.
	article struct {
		ID            string // unique in the page
		Name          string
		Doc           *sim.Document
		Word          string // the verdict
		Sentence      string
		Advice        Advice
		Key           []keyFigure
		Load          string
		Trace         []string
		Objectives    []string // who met each, in a sentence
		SLOs          grid
		Parts         []answer
		Runs          []runView
		Varied        bool   // runs had loads or seeds of their own
		Folded        string // the table of runs has to be opened
		Reasons       []reason
		MoreReasons   string
		FoldedReasons string
		Left          string // what isn't shown
		Shown         []shownView
		Figures       []figure
		Grids         []grid
		Knobs         []knob
		Wall          bool
		World         string
		CostModel     string
	}
	runView struct {
		*sim.Run
		Number int    // from 1
		Word   string // the verdict
		Best   bool
		Varied string // what was set for it alone
	}
	reason struct{ Run, Why string }
	// shownView is a run that is drawn.
	shownView struct {
		Number  int
		Name    string
		Look    string
		Command string
	}
	// figure is a drawing with its heading. The key is the legend of its colours, or of its lines,
	// if it has one.
	figure struct {
		ID, Title, Text string
		SVG             template.HTML
		Key             []keyItem
		Lines           bool
	}
	keyItem struct{ Class, Name string }
	// grid is a table, with a row per run or of its own. Cells may be tinted by their share.
	grid struct {
		ID, Title, Text string
		Head            []string
		Left            int // columns of words, from the first
		PerRun          bool
		Folded          string // what is in it, for one that has to be opened
		Rows            []gridRow
	}
	gridRow struct {
		Run   int // from 1
		Name  string
		Best  bool
		Cells []cell
	}
	cell struct {
		Text  string
		Left  bool   // it holds words
		Tint  int    // from 0, none, to 5
		Word  string // a verdict, which gives the colour…
		Says  string // …of this word; or of the text, if there is none
		About string // more of it, where one points at it
	}
	knob struct{ Name, Value string }
)

// Words reports whether a column holds words, which are set to the left.
func (g *grid) Words(column int) bool {
	return column < g.Left || slices.ContainsFunc(g.Rows, func(r gridRow) bool {
		return column < len(r.Cells) && r.Cells[column].Left
	})
}

// writeHTML writes one page with an article per document.
func writeHTML(b *bytes.Buffer, results []Result) error {
	v := pageView{CSS: template.CSS(pageCSS), JS: template.JS(pageJS)}
	var names []string
	for i := range results {
		a, err := newArticle(fmt.Sprintf("a%d", i+1), &results[i])
		if err != nil {
			return err
		}
		v.Articles = append(v.Articles, *a)
		names = append(names, results[i].Name)
	}
	v.Title = strings.Join(names, ", ")
	return page.Execute(b, &v)
}

func newArticle(id string, r *Result) (*article, error) {
	d := r.Document
	a := &article{ID: id, Name: r.Name, Doc: d, Advice: Recommend(d), Knobs: knobs(&d.Scenario),
		Wall: d.Environment.Clock != sim.VirtualClock}
	if d.Capacity == nil && d.Recommendation == nil { // a search fails on purpose
		a.Objectives = objectives(d)
	}
	a.Word, a.Sentence = Conclusion(d)
	a.Key, a.Load, a.Trace = keyFigures(d, a.Advice), loadText(d), traceLines(d)
	if m := d.Environment.CostModel; m != nil {
		a.CostModel = m.Machine
	}
	p := pick(r, a.Advice.Run)
	a.Left = p.left()
	a.runs(p)
	for slot, i := range p.shown {
		a.Shown = append(a.Shown, shownView{i + 1, p.name(i), look(slot),
			commandOf(d, d.Runs[i])})
	}
	a.SLOs, a.Parts = sloGrid(p), answersOf(id, d)
	a.SLOs.ID = id + "-objectives"
	var err error
	if a.Figures, err = figuresIn(id, p); err != nil {
		return nil, err
	}
	a.Grids, err = gridsIn(id, p)
	return a, err
}

// reasonsMax is how many reasons are told, and reasonsOpen beyond how many a reader opens them.
const (
	reasonsMax  = 100
	reasonsOpen = 12
)

// runs fills the table of all runs; of too many the first ones.
func (a *article) runs(p *picked) {
	d := p.Document
	told := 0
	for i, run := range d.Runs {
		if i == 0 || a.World == run.World {
			a.World = run.World
		} else { // it was varied
			a.World = ""
		}
		a.Varied = a.Varied || len(run.Settings) > 0 || run.Seed != 0
		for _, why := range run.Reasons {
			if told++; told <= reasonsMax {
				a.Reasons = append(a.Reasons, reason{fmt.Sprintf("%d %s, %s", i+1, p.name(i),
					Verdict(run)), why})
			}
		}
		if i < rowsMax {
			a.Runs = append(a.Runs, runView{run, i + 1, Verdict(run), i == a.Advice.Run,
				variedBut(run, p.common)})
		}
	}
	if told > reasonsOpen {
		a.FoldedReasons = plural(told, "reason")
	}
	if told > reasonsMax {
		a.MoreReasons = fmt.Sprintf("The first %d of %d reasons are here; simulate report "+
			"--format csv has them all.", reasonsMax, told)
	}
	switch {
	case len(d.Runs) > rowsMax:
		a.Folded = fmt.Sprintf("The first %d of %d runs", rowsMax, len(d.Runs))
	case len(d.Runs) > foldedMin:
		a.Folded = fmt.Sprintf("All %d runs", len(d.Runs))
	}
}

// knobs are all that the load is made of, in the order of the scenario's fields.
func knobs(s *sim.Scenario) []knob {
	var out []knob
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if options != "" && v.Field(i).IsZero() {
			continue
		}
		out = append(out, knob{strings.ReplaceAll(name, "_", " "), listed(v.Field(i))})
	}
	return out
}

// listed is a value, or those of a list.
func listed(v reflect.Value) string {
	if v.Kind() != reflect.Slice {
		return flagValue(v)
	}
	all := make([]string, v.Len())
	for i := range all {
		all[i] = flagValue(v.Index(i))
	}
	return strings.Join(all, "; ")
}
