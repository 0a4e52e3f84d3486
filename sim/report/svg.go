package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
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
	labelHalf   = 34  // of the width of a long label of the lower axis
	tickLetter  = 7.5 // width of one in a label of an axis, which is a digit mostly
)

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
	free := 0.0 // from here on there is no label yet
	for i, t := range d.x.ticks {
		x, anchor := d.x.at(t.at), "middle"
		width := tickLetter * float64(utf8.RuneCountInString(t.label))
		from := x - width/2
		if x > svgWidth-labelHalf && len(t.label) > 4 { // it would leave the drawing
			x, anchor = svgWidth-2, "end"
			from = x - width
		}
		if from < free {
			continue
		}
		free = from + width + 4
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

// num writes a position: a tenth of a unit is less than a pixel.
func num(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}
