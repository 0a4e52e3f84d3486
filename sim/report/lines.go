package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

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
