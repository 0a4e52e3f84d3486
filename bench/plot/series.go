package main

import "fmt"

// The values of the key engine.
const (
	engineKey = "notify"
	floorKey  = "ring" // the ring of package floor, at the same point
)

// panel is one of the drawings, and which results belong there.
type panel struct {
	by    string   // the key of the name that grows
	modes []string // a line each, for each GOMAXPROCS
	unit  string   // of the figure

	title, xTitle, yTitle string

	floor bool // each point has one of the floor beside it
	fixed bool // the deliveries stay the same while the key grows
}

var panels = []panel{
	{
		by: "subs", modes: []string{"burst", "lockstep"}, unit: "ns/delivery", floor: true,
		title:  "To more subscribers of one group",
		xTitle: "subscribers", yTitle: "time per delivery (ns)",
	},
	{
		by: "groups", modes: []string{"unicast"}, unit: "ns/delivery", floor: true,
		title:  "To more groups of one member",
		xTitle: "groups", yTitle: "time per delivery (ns)",
	},
	{
		by: "shards", modes: []string{"burst", "lockstep"}, unit: "ns/delivery", fixed: true,
		title:  "Through more shards to the same subscribers",
		xTitle: "shards", yTitle: "time per delivery (ns)",
	},
	{
		by: "subs", modes: []string{"idle"}, unit: "B/sub",
		title:  "Memory of idle subscribers",
		xTitle: "subscribers", yTitle: "memory per subscriber (B)",
	},
}

// series is one line of a panel.
type series struct {
	panel  *panel
	mode   string
	procs  int // GOMAXPROCS
	points []point
}

// point is one benchmark of a series, and the one of the floor that was measured beside it.
type point struct {
	x            int     // the value of the key that grows
	value        float64 // the median of the repeats
	floor        float64 // the same of the floor; 0 in a panel without
	fewest, most int     // repeats, of either
}

// name says which line of its panel it is.
func (s *series) name() string { return fmt.Sprintf("%s, GOMAXPROCS %d", s.mode, s.procs) }

// at says which point of all panels i is.
func (s *series) at(i int) string {
	return fmt.Sprintf("%s %d (%s)", s.panel.by, s.points[i].x, s.name())
}

// sizes says where the points of some series are.
func sizes(lines []series) string {
	if len(lines) == 0 {
		return "no point"
	}
	text := ""
	for i, s := range lines {
		if i > 0 {
			text += ", "
		}
		var xs []int
		for _, pt := range s.points {
			xs = append(xs, pt.x)
		}
		text += fmt.Sprintf("%v with GOMAXPROCS %d", xs, s.procs)
	}
	return text
}
