package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"io"
	"maps"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	width, height = vg.Length(780), vg.Length(620) // 1040 by 827 pixels
	columns       = 2
	legendShare   = 0.22 // of a panel's height, which no line may enter
	floorShare    = 0.30 // the same with the floor in it
	titleHeight   = 24
	lineWidth     = vg.Length(1.6)
	floorWidth    = vg.Length(0.9)

	// The widths of texts are those of the first font; the others are for where that is missing.
	font         = "font-family:Liberation Sans"
	similarFonts = ",Arial,Helvetica,sans-serif"
)

// colors by mode, from the palette of Okabe and Ito, whose colours people with any kind of colour
// vision can tell apart.
var colors = map[string]color.Color{
	"burst":    color.RGBA{R: 0x00, G: 0x72, B: 0xB2, A: 0xFF}, // blue
	"lockstep": color.RGBA{R: 0xD5, G: 0x5E, B: 0x00, A: 0xFF}, // vermilion
	"unicast":  color.RGBA{R: 0x00, G: 0x9E, B: 0x73, A: 0xFF}, // bluish green
	"idle":     color.RGBA{R: 0xAA, G: 0x4E, B: 0x84, A: 0xFF}, // reddish purple, darker
}

// looks tell GOMAXPROCS apart, in rising order, so that the lines differ without their colours too.
var looks = []struct {
	dashes []vg.Length
	glyph  draw.GlyphDrawer
}{
	{[]vg.Length{5, 3}, draw.RingGlyph{}},
	{nil, draw.CircleGlyph{}},
	{[]vg.Length{2, 2}, draw.TriangleGlyph{}},
	{[]vg.Length{8, 2, 2, 2}, draw.SquareGlyph{}},
}

// floorDashes tell the modes of a panel's floors apart.
var floorDashes = [][]vg.Length{nil, {2, 2}}

var (
	gridColor  = color.Gray{Y: 0xD8}
	floorColor = color.Gray{Y: 0x80}
	inkColor   = color.Gray{Y: 0x20}
)

// drawSVG draws the panels. The same series give the same bytes.
func drawSVG(w io.Writer, all []series) error {
	rows := (len(panels) + columns - 1) / columns
	plots := make([][]*plot.Plot, rows)
	for i := range panels {
		p, err := drawPanel(&panels[i], all)
		if err != nil {
			return fmt.Errorf("%s: %w", panels[i].title, err)
		}
		plots[i/columns] = append(plots[i/columns], p)
	}
	canvas := vgsvg.New(width, height)
	dc := draw.New(canvas)
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	tiles := draw.Tiles{
		Rows: rows, Cols: columns, PadX: 18, PadY: 14 + titleHeight,
		PadTop: titleHeight, PadBottom: 8, PadLeft: 8, PadRight: 14,
	}
	for row, canvases := range plot.Align(plots, tiles, dc) {
		for col, c := range canvases {
			plots[row][col].Draw(c)
			// Align moves a panel up and down for its axes, and would move a title of its own too.
			tile := tiles.At(dc, col, row)
			at := vg.Point{X: tile.Center().X, Y: tile.Max.Y + 5}
			dc.FillText(titleStyle(plots[row][col]), at, panels[row*columns+col].title)
		}
	}
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	_, err := w.Write(bytes.ReplaceAll(svg.Bytes(), []byte(font), []byte(font+similarFonts)))
	return err
}

func drawPanel(p *panel, all []series) (*plot.Plot, error) {
	pl := newPlot(p)
	var ys []float64
	marked := make(map[string]plotter.XYs)
	for i := range all {
		s := &all[i]
		if s.panel != p {
			continue
		}
		look := looks[lookOf(s, all)%len(looks)]
		xys := make(plotter.XYs, len(s.points))
		for j, pt := range s.points {
			xys[j] = plotter.XY{X: float64(pt.x), Y: pt.value}
			ys = append(ys, pt.value)
			if p.floor {
				ys = append(ys, pt.floor)
			}
			marked[s.mark(j)] = append(marked[s.mark(j)], xys[j])
		}
		line, dots, err := plotter.NewLinePoints(xys)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width, line.Dashes = colors[s.mode], lineWidth, look.dashes
		dots.Color, dots.Shape, dots.Radius = colors[s.mode], look.glyph, 2.6
		pl.Add(line, dots)
		pl.Legend.Add(s.name(), line, dots)
	}
	if err := errors.Join(addFloors(pl, p, all), addMarks(pl, marked)); err != nil {
		return nil, err
	}
	share := legendShare
	if p.floor {
		share = floorShare
	}
	pl.Y.Min, pl.Y.Max = around(slices.Min(ys), slices.Max(ys), share)
	return pl, nil
}

// addFloors draws the floor of each mode as one line. It runs on one goroutine, so what it takes
// with another GOMAXPROCS is the same thing measured again, and the line is the median of all.
func addFloors(pl *plot.Plot, p *panel, all []series) error {
	if !p.floor {
		return nil
	}
	for i, mode := range p.modes {
		at := make(map[int][]float64)
		for _, s := range all {
			if s.panel != p || s.mode != mode {
				continue
			}
			for _, pt := range s.points {
				at[pt.x] = append(at[pt.x], pt.floor)
			}
		}
		var xys plotter.XYs
		for _, x := range slices.Sorted(maps.Keys(at)) {
			xys = append(xys, plotter.XY{X: float64(x), Y: median(at[x])})
		}
		line, err := plotter.NewLine(xys)
		if err != nil {
			return err
		}
		line.Color, line.Width = floorColor, floorWidth
		line.Dashes = floorDashes[i%len(floorDashes)]
		pl.Add(line)
		pl.Legend.Add("floor: ring, "+mode, line)
	}
	return nil
}

// addMarks draws a circle around the points of steep steps, and a square where that is memory.
func addMarks(pl *plot.Plot, marked map[string]plotter.XYs) error {
	for _, mark := range []string{faster, dearer, memory} {
		if len(marked[mark]) == 0 {
			continue
		}
		shapes, err := plotter.NewScatter(marked[mark])
		if err != nil {
			return err
		}
		shapes.Color, shapes.Shape, shapes.Radius = inkColor, draw.RingGlyph{}, 6
		if mark == memory {
			shapes.Color, shapes.Shape = floorColor, draw.SquareGlyph{}
		}
		pl.Add(shapes)
		pl.Legend.Add(fmt.Sprintf("step of more than %v: %s", steepMin, mark), shapes)
	}
	return nil
}

// titleStyle is that of a panel's title.
func titleStyle(pl *plot.Plot) text.Style {
	style := pl.Title.TextStyle
	style.Font.Variant, style.Font.Size, style.Color = "Sans", 12, inkColor
	style.YAlign = text.YBottom
	return style
}

// lookOf is the rank of a series among those of its mode in the panel, which are in the order of
// GOMAXPROCS.
func lookOf(s *series, all []series) int {
	rank := 0
	for i := range all {
		if other := &all[i]; other.panel == s.panel && other.mode == s.mode &&
			other.procs < s.procs {
			rank++
		}
	}
	return rank
}

// newPlot is an empty panel: axes with their titles, and the grid.
func newPlot(p *panel) *plot.Plot {
	pl := plot.New()
	pl.X.Label.Text, pl.Y.Label.Text = p.xTitle, p.yTitle
	pl.X.Padding, pl.Y.Padding = 4, 4
	for _, axis := range []*plot.Axis{&pl.X, &pl.Y} {
		axis.Scale, axis.Tick.Marker = plot.LogScale{}, decimalTicks{}
		axis.Label.TextStyle.Font.Variant, axis.Label.TextStyle.Font.Size = "Sans", 10
		axis.Tick.Label.Font.Variant, axis.Tick.Label.Font.Size = "Sans", 9
		axis.Label.TextStyle.Color, axis.Tick.Label.Color = inkColor, inkColor
		axis.Color, axis.Tick.Color = inkColor, inkColor
	}
	if p.fixed {
		pl.X.Tick.Marker = powersOfTwo{}
	}
	pl.Legend.TextStyle.Font.Variant, pl.Legend.TextStyle.Font.Size = "Sans", 9
	pl.Legend.TextStyle.Color = inkColor
	pl.Legend.Top, pl.Legend.Left, pl.Legend.ThumbnailWidth = true, true, 26
	pl.Legend.XOffs, pl.Legend.Padding = 6, 1.5
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = gridColor, gridColor
	pl.Add(grid)
	return pl
}
