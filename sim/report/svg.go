package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// The size of a drawing, in the units of its viewBox. The page scales it to its column, so that a
// drawing has its room before it is there and nothing moves.
const (
	svgWidth    = 760
	svgHeight   = 300
	leftMargin  = 70
	rightMargin = 26 // for the numbers of the lines
	topMargin   = 14
	lowMargin   = 44
	labelHalf   = 34 // of the width of a long label of the lower axis
)

// axis maps values to positions.
type axis struct {
	title    string
	min, max float64
	log      bool
	from, to float64 // positions of min and max
	ticks    []tick
}

type tick struct {
	at    float64 // a value
	label string
}

// at is the position of v; what is outside of the axis is put on its end.
func (a *axis) at(v float64) float64 {
	v = min(max(v, a.min), a.max)
	share := (v - a.min) / (a.max - a.min)
	if a.log {
		share = math.Log(v/a.min) / math.Log(a.max/a.min)
	}
	return a.from + share*(a.to-a.from)
}

// logAxis spans the powers of ten around lowest and highest, both above 0.
func logAxis(title string, lowest, highest float64, label func(float64) string) axis {
	a := axis{title: title, log: true}
	first, last := math.Floor(math.Log10(lowest)), math.Ceil(math.Log10(highest))
	if first == last {
		last++
	}
	a.min, a.max = math.Pow(10, first), math.Pow(10, last)
	for e := first; e <= last; e++ {
		v := math.Pow(10, e)
		a.ticks = append(a.ticks, tick{v, label(v)})
	}
	return a
}

// linearAxis goes from 0 in steps of 1, 2 or 5 times a power of ten.
func linearAxis(title string, highest float64, label func(float64) string) axis {
	if highest <= 0 {
		highest = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(highest/4)))
	for _, m := range []float64{1, 2, 5, 10} {
		if highest/(m*step) <= 6 {
			step *= m
			break
		}
	}
	a := axis{title: title}
	a.max = step * math.Ceil(highest/step-1e-9)
	for i := 0; float64(i)*step <= a.max+step/2; i++ {
		a.ticks = append(a.ticks, tick{float64(i) * step, label(float64(i) * step)})
	}
	return a
}

// drawing is an SVG that is being drawn. It has no colours of its own: the page's style sheet has
// them, for light, dark and print.
type drawing struct {
	b    strings.Builder
	x, y axis
}

// frame is what a drawing begins with. The title and what it shows, in words, are for those who
// can't see it; id is unique in the page.
type frame struct {
	id, title, about string
	height           float64
	marks            marks // room for these is added to the height, at the top
}

// newDrawing draws the axes, the grid and the marks.
func newDrawing(f frame, x, y axis) *drawing {
	d := &drawing{x: x, y: y}
	height, top := f.height+f.marks.height(), topMargin+f.marks.height()
	d.x.from, d.x.to = leftMargin, svgWidth-rightMargin
	d.y.from, d.y.to = height-lowMargin, top
	d.open(f.id, f.title, f.about, height)
	f.marks.draw(d)
	d.grid(height)
	return d
}

// open begins the SVG; data-area is where the script draws its crosshair.
func (d *drawing) open(id, title, about string, height float64) {
	fmt.Fprintf(&d.b, `<svg class="plot" id="%s" viewBox="0 0 %d %s" role="img" tabindex="0" `+
		`data-area="%s %s %s %s" aria-labelledby="%s-t %s-d">`, id, svgWidth, num(height),
		num(d.x.from), num(d.x.to), num(d.y.to), num(d.y.from), id, id)
	fmt.Fprintf(&d.b, `<title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, id,
		html.EscapeString(title), id, html.EscapeString(about))
}

// grid draws the axes with their ticks and titles.
func (d *drawing) grid(height float64) {
	d.b.WriteString(`<g class="grid">`)
	for _, t := range d.x.ticks {
		d.line(d.x.at(t.at), d.y.from, d.x.at(t.at), d.y.to)
	}
	for _, t := range d.y.ticks {
		d.line(d.x.from, d.y.at(t.at), d.x.to, d.y.at(t.at))
	}
	d.b.WriteString(`</g><g class="ticks">`)
	for i, t := range d.x.ticks {
		x, anchor := d.x.at(t.at), "middle"
		if x > svgWidth-labelHalf && len(t.label) > 4 { // it would leave the drawing
			x, anchor = svgWidth-2, "end"
		}
		d.b.WriteString(every2(len(d.x.ticks)-i, len(d.x.ticks) > 6))
		d.text(x, d.y.from+16, anchor, t.label)
		d.b.WriteString(`</g>`)
	}
	for _, t := range d.y.ticks {
		d.text(d.x.from-7, d.y.at(t.at)+4, "end", t.label)
	}
	d.b.WriteString(`</g><g class="titles">`)
	d.text((d.x.from+d.x.to)/2, height-8, "middle", d.x.title)
	middle := (d.y.from + d.y.to) / 2
	fmt.Fprintf(&d.b, `<text class="upright" transform="translate(11 %s) rotate(-90)" `+
		`text-anchor="middle">%s</text></g>`, num(middle), html.EscapeString(d.y.title))
}

// every2 opens a group for a label, of which a narrow page shows every second one if there are
// many.
func every2(i int, many bool) string {
	if many && i%2 == 0 {
		return `<g class="spare">`
	}
	return `<g>`
}

func (d *drawing) line(x1, y1, x2, y2 float64) {
	fmt.Fprintf(&d.b, `<path d="M%s %sL%s %s"/>`, num(x1), num(y1), num(x2), num(y2))
}

func (d *drawing) text(x, y float64, anchor, s string) {
	fmt.Fprintf(&d.b, `<text x="%s" y="%s" text-anchor="%s">%s</text>`, num(x), num(y), anchor,
		html.EscapeString(s))
}

// end closes the drawing.
func (d *drawing) end() template.HTML {
	d.b.WriteString(`</svg>`)
	return template.HTML(d.b.String()) // everything that isn't ours went through EscapeString
}

// point is one of a line, with its value in words.
type point struct {
	x, y float64
	says string
}

// series is a line of a drawing: that of one run, or one with a name of its own.
type series struct {
	run    int    // its index in the document; -1: none
	look   int    // its colour and kind of line
	name   string // where there is no run, or it has several lines
	faint  bool   // beside the run's main line: it has no number
	pieces [][]point
}

// lines draws the series, with the number of each run at its end and, for the script, the values of
// its points.
func (d *drawing) lines(all []series) {
	var ends [][2]float64
	for _, s := range all {
		if s.run >= 0 {
			fmt.Fprintf(&d.b, `<g class="run r%d">`, s.run+1)
		} else {
			d.b.WriteString(`<g>`)
		}
		for _, piece := range s.pieces {
			d.polyline(&s, piece)
		}
		if n := len(s.pieces); n > 0 && !s.faint {
			piece := s.pieces[n-1]
			last := piece[len(piece)-1]
			end := apart(ends, [2]float64{d.x.at(last.x), d.y.at(last.y)})
			ends = append(ends, end)
			label := s.look
			if s.run >= 0 {
				label = s.run
			}
			fmt.Fprintf(&d.b, `<text class="end" x="%s" y="%s">%d</text>`, num(end[0]+5),
				num(end[1]+4), label+1)
		}
		d.b.WriteString(`</g>`)
	}
}

// polyline draws one piece of a line. A single point is drawn as a line to itself, which has round
// ends and so is a dot.
func (d *drawing) polyline(s *series, piece []point) {
	if len(piece) == 1 {
		piece = append(piece[:1:1], piece[0])
	}
	class := "line " + look(s.look)
	if s.faint {
		class += " faint"
	}
	d.values(class, s.run, s.name, piece)
}

// values writes a line with its values for the script; class says whether it is seen.
func (d *drawing) values(class string, run int, name string, points []point) {
	var path, says strings.Builder
	for i, p := range points {
		if i > 0 {
			path.WriteByte(' ')
			says.WriteByte('|')
		}
		path.WriteString(num(d.x.at(p.x)) + "," + num(d.y.at(p.y)))
		says.WriteString(p.says)
	}
	fmt.Fprintf(&d.b, `<polyline class="%s" points="%s" data-run="%d"`, class, path.String(),
		run+1)
	if name != "" {
		fmt.Fprintf(&d.b, ` data-name="%s"`, html.EscapeString(name))
	}
	fmt.Fprintf(&d.b, ` data-says="%s"/>`, html.EscapeString(says.String()))
}

// apart is the place nearest to at, up or down, where a number covers none of the others.
func apart(taken [][2]float64, at [2]float64) [2]float64 {
	const width, height = 14, 11
	for offset := 0.0; ; offset++ {
		for _, y := range []float64{at[1] - offset, at[1] + offset} {
			free := y >= topMargin/2
			for _, t := range taken {
				free = free && (math.Abs(t[0]-at[0]) >= width || math.Abs(t[1]-y) >= height)
			}
			if free {
				return [2]float64{at[0], y}
			}
		}
	}
}

// look gives the classes of a line: seven colours times four kinds of line, which have no common
// divisor, so 28 lines look different, and neighbours differ in both.
func look(i int) string {
	return fmt.Sprintf("c%d d%d", i%7, i%4)
}

// num writes a position: a tenth of a unit is less than a pixel.
func num(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}
