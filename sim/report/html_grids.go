package report

import (
	"fmt"
	"strings"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

// gridsIn makes the tables that the document has something for.
func gridsIn(id string, p *picked) ([]grid, error) {
	losers, err := losersGrid(p)
	if err != nil {
		return nil, err
	}
	all := []grid{stagesGrid(p), causesGrid(p), losers, pullsGrid(p), sessionsGrid(p)}
	kept := all[:0]
	for i, g := range all {
		if len(g.Rows) > 0 {
			g.ID = fmt.Sprintf("%s-g%d", id, i+1)
			kept = append(kept, g)
		}
	}
	return kept, nil
}

// row appends the row of run i.
func (g *grid) row(p *picked, i int, cells ...cell) {
	g.PerRun = true
	g.Rows = append(g.Rows, gridRow{Run: i + 1, Name: p.name(i), Cells: cells})
}

// causesGrid counts drops by cause, for the causes that there are.
func causesGrid(p *picked) grid {
	g := grid{Title: "Drops by cause", Text: "Closed ones were on their way to a consumer that " +
		"left. The stronger the colour, the larger the share of what was owed."}
	var names []string
	for _, c := range notify.Causes() {
		for _, i := range p.shown {
			if p.Runs[i].Books.Dropped[c.String()] > 0 {
				names = append(names, c.String())
				g.Head = append(g.Head, strings.ReplaceAll(c.String(), "_", " "))
				break
			}
		}
	}
	if len(names) == 0 {
		return grid{}
	}
	for _, i := range p.shown {
		k := &p.Runs[i].Books
		var cells []cell
		for _, name := range names {
			cells = append(cells, newCell(k.Dropped[name], k.Offered))
		}
		g.row(p, i, cells...)
	}
	return g
}

// losersGrid counts consumers by how many events each of them lost.
func losersGrid(p *picked) (grid, error) {
	h := histogram{edges: countEdges}
	g := grid{Title: "Drops per consumer",
		Text: "Number of consumers, by the number of events each one lost. What still waited " +
			"for a consumer when the run ended counts as lost here."}
	for _, e := range h.edges {
		g.Head = append(g.Head, "≤"+e.name)
	}
	g.Head = append(g.Head, "more")
	some := false
	for _, i := range p.shown {
		run := p.Runs[i]
		if run.Drops.Count == 0 {
			continue
		}
		counts, total, err := h.count(&run.Drops)
		if err != nil {
			return grid{}, fmt.Errorf("%s: runs[%d].drops_per_consumer.%w", p.Name, i, err)
		}
		var cells []cell
		for k, n := range counts {
			cells = append(cells, newCell(n, total))
			some = some || k > 0 && n > 0
		}
		g.row(p, i, cells...)
	}
	if !some { // nobody lost anything
		return grid{}, nil
	}
	return g, nil
}

// pullsGrid says what the find cache did for the consumers' pulls.
func pullsGrid(p *picked) grid {
	g := grid{Title: "Pulls", Text: "A pull is a find per provider, but a shared one takes the " +
		"answers of another. Not modified: the consumer had that answer already.",
		Head: []string{"pulls", "pulls/s", "shared", "finds", "from cache",
			"not modified", "evicted"}}
	for _, i := range p.shown {
		r := p.Runs[i]
		if f := r.Finds; f != nil {
			g.row(p, i, counted(r.Pulls), cell{Text: fmt.Sprintf("%.1f", f.PullRate)},
				cell{Text: Share(uint64(f.SharedPulls), uint64(r.Pulls))},
				counted(int64(f.Finds)), cell{Text: Share(f.Hits, f.Finds)},
				cell{Text: Share(f.NotModified, f.Finds)}, counted(int64(f.Evicted)))
		}
	}
	return g
}

// sessionsGrid says what the streams to the consumers did.
func sessionsGrid(p *picked) grid {
	g := grid{Title: "Sessions", Text: fmt.Sprintf("The streams to the consumers, over %s. "+
		"Encoded events became a frame once; unsent ones were in a session that ended before them.",
		p.Scenario.Transport),
		Head: []string{"opened", "heartbeats", "encoded", "frames", "unsent", "refused",
			"write timeouts", "read timeouts", "ended otherwise"}}
	for _, i := range p.shown {
		s := p.Runs[i].Stream
		if s == nil {
			continue
		}
		others := int64(0)
		for _, n := range s.Ended {
			others += n
		}
		write, read := s.Ended[sim.EndedByWrite], s.Ended[sim.EndedByRead]
		g.row(p, i, counted(s.Opened), counted(s.Heartbeats), counted(s.Encoded),
			counted(s.Frames), counted(s.Unsent), counted(s.Refused), counted(write),
			counted(read), counted(others-write-read))
	}
	return g
}

func counted(n int64) cell { return cell{Text: Count(uint64(n))} }

// newCell tints n by its share of whole, a step for each power of ten from 0.01 % on.
func newCell(n, whole uint64) cell {
	if n == 0 || whole == 0 {
		return cell{Text: "·"}
	}
	c := cell{Text: Count(n), Tint: 1}
	for share := float64(n) / float64(whole) * 1e4; share > 1 && c.Tint < 5; share /= 10 {
		c.Tint++
	}
	return c
}
