package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"reflect"
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
	"duration": Duration, "bytes": Bytes, "healed": healed, "look": look,
	"lost": func(k sim.Books) uint64 { return Lost(&k) },
	"name": func(c sim.Config) string { return Name(&c) },
	"inc":  func(i int) int { return i + 1 },
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
		ID        string // unique in the page
		Name      string
		Doc       *sim.Document
		Word      string // the verdict
		Sentence  string
		Advice    Advice
		Runs      []runView
		Figures   []figure
		Grids     []grid
		Knobs     []knob
		Wall      bool
		World     string
		CostModel string
	}
	runView struct {
		*sim.Run
		Word    string // the verdict
		Best    bool
		Command string
	}
	// figure is a drawing with its heading. The key is the legend of its colours, if it has one.
	figure struct {
		ID, Title, Text string
		SVG             template.HTML
		Key             []string
	}
	// grid is a table with a row per run, whose cells may be tinted by their share.
	grid struct {
		ID, Title, Text string
		Head            []string
		Rows            []gridRow
	}
	gridRow struct {
		Run   int // from 1
		Name  string
		Cells []cell
	}
	cell struct {
		Text string
		Tint int // from 0, none, to 5
	}
	knob struct{ Name, Value string }
)

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
	a.Word, a.Sentence = Conclusion(d)
	if m := d.Environment.CostModel; m != nil {
		a.CostModel = m.Machine
	}
	for i, run := range d.Runs {
		a.Runs = append(a.Runs, runView{run, Verdict(run), i == a.Advice.Run,
			Command(d, &run.Config)})
		a.World = run.World
	}
	var err error
	if a.Figures, err = figuresIn(id, r, a.Advice.Run); err != nil {
		return nil, err
	}
	a.Grids, err = gridsIn(id, r)
	return a, err
}

// knobs are all that the load is made of, in the order of the scenario's fields.
func knobs(s *sim.Scenario) []knob {
	var out []knob
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if options != "" && v.Field(i).IsZero() {
			continue
		}
		out = append(out, knob{strings.ReplaceAll(name, "_", " "), flagValue(v.Field(i))})
	}
	return out
}
