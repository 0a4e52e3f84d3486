package sim_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
)

// viewPair does the same to a view and to its model, and compares.
type viewPair struct {
	t     *rapid.T
	log   *sim.GroupLog
	view  *sim.View
	model viewModel

	now      int64
	revision int64 // of the registry: changes of others count, too
	pending  []int // positions of events on their way, in order
	alive    bool
	listing  bool // no event comes, but for one that is in hand already
	hand     int  // its position; -1: none
	listRev  int64
	listPos  int
	stale    []sim.Ended // as the view told
	runs     []int64
}

var viewSteps = []struct {
	weight int
	name   string
	do     func(*viewPair)
}{
	{6, "pass", func(p *viewPair) { p.now += rapid.Int64Range(0, 5).Draw(p.t, "time") }},
	{8, "change", (*viewPair).change},
	{8, "deliver", func(p *viewPair) { p.deliver(&p.pending) }},
	{3, "drop", func(p *viewPair) { p.drop(true) }},
	{1, "swallow", func(p *viewPair) { p.drop(false) }},
	{2, "conflate", (*viewPair).conflate},
	{1, "read a list", (*viewPair).readList},
	{2, "get the list", (*viewPair).getList},
	{1, "pull", (*viewPair).pull},
	{1, "alien", (*viewPair).alien},
	{1, "die", (*viewPair).die},
}

func TestAViewIsWhatAMapOfAllInstancesWouldBe(t *testing.T) {
	var bag []int
	for i, s := range viewSteps {
		bag = append(bag, slices.Repeat([]int{i}, s.weight)...)
	}
	for range 10 { // times the number of checks that rapid does
		rapid.Check(t, func(t *rapid.T) {
			p := newViewPair(t)
			for range rapid.IntRange(0, 150).Draw(t, "steps") {
				step := viewSteps[rapid.SampledFrom(bag).Draw(t, "step")]
				t.Log(step.name)
				step.do(p)
				p.compare()
			}
			p.die()
		})
	}
}

func newViewPair(t *rapid.T) *viewPair {
	p := &viewPair{t: t, log: sim.NewLog(), hand: -1, now: 100}
	p.model.told = make(map[int]bool)
	for range rapid.IntRange(0, 5).Draw(t, "before") {
		p.change()
	}
	p.view = sim.NewView(p.log, 0, 0, 0)
	p.readList()
	return p
}

// change is due now or was a moment ago, for the generator may be late.
func (p *viewPair) change() {
	p.revision += rapid.Int64Range(1, 3).Draw(p.t, "skip")
	c := modelChange{
		revision: p.revision,
		due:      p.now - rapid.Int64Range(0, 3).Draw(p.t, "late"),
		key:      rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(p.t, "key"),
		unsent:   rapid.IntRange(0, 15).Draw(p.t, "unsent") == 0,
		expire:   rapid.IntRange(0, 7).Draw(p.t, "expire") == 0,
	}
	c.service = map[string]string{"a": "one", "b": "one", "c": "two", "d": "two"}[c.key]
	if c.expire {
		c.key = "expire/" + c.service
	}
	if n := len(p.model.log); n > 0 {
		c.due = max(c.due, p.model.log[n-1].due)
	}
	if !c.unsent {
		p.pending = append(p.pending, len(p.model.log))
	}
	p.model.log = append(p.model.log, c)
	p.log.AddOf(c.service, c.expire, c.revision, c.due, c.key, c.unsent)
}

func (p *viewPair) deliver(from *[]int) {
	if p.listing && p.hand >= 0 {
		from = &[]int{p.hand}
		p.hand = -1
	} else if p.listing || len(*from) == 0 {
		return
	}
	position := (*from)[0]
	*from = (*from)[1:]
	c := p.model.log[position]
	got := p.view.Apply(c.revision, p.now)
	if c.revision <= p.model.floor {
		require.Equal(p.t, sim.Fact{Known: true}, got)
		return
	}
	p.ended(got.Ended)
	want := sim.Fact{Due: c.due, Untold: p.model.event(position, p.now), Ended: got.Ended}
	require.Equal(p.t, want, got, "Apply(%d)", c.revision)
}

func (p *viewPair) drop(tell bool) {
	if len(p.pending) == 0 {
		return
	}
	i := rapid.IntRange(0, len(p.pending)-1).Draw(p.t, "which")
	if tell {
		p.tell(p.pending[i], true)
	}
	p.pending = slices.Delete(p.pending, i, i+1)
}

func (p *viewPair) tell(position int, lost bool) {
	if run := p.view.Told(p.model.log[position].revision, lost); run > 0 {
		p.runs = append(p.runs, run)
	}
	p.model.tell(position, lost)
}

// conflate takes the older one of two changes of an instance away.
func (p *viewPair) conflate() {
	for i, old := range p.pending {
		for _, newer := range p.pending[i+1:] {
			if p.model.log[old].key == p.model.log[newer].key {
				p.tell(old, false)
				p.pending = slices.Delete(p.pending, i, i+1)
				return
			}
		}
	}
}

// readList begins a list. An event that was taken in before is handled while it is under way.
func (p *viewPair) readList() {
	if p.listing {
		return
	}
	p.listing, p.listRev, p.listPos = true, p.revision, p.log.Len()
	if p.alive && len(p.pending) > 0 && rapid.Bool().Draw(p.t, "in hand") {
		p.hand, p.pending = p.pending[0], p.pending[1:]
	}
}

func (p *viewPair) getList() {
	switch {
	case !p.listing:
		return
	case p.alive:
		p.deliver(nil)
		p.ended(p.view.Reset(p.listRev, p.listPos, p.now))
		p.model.list(p.listRev, p.listPos, p.now)
	default:
		p.view.Begin(p.listRev, p.listPos, p.now)
		p.model.born(p.listRev, p.listPos, p.now)
	}
	p.listing, p.alive = false, true
}

func (p *viewPair) pull() {
	if p.alive {
		p.ended(p.view.Reset(p.revision, p.log.Len(), p.now))
		p.model.list(p.revision, p.log.Len(), p.now)
	}
}

// alien delivers what is none of the view's own, or what came before.
func (p *viewPair) alien() {
	if !p.alive {
		return
	}
	revision := rapid.Int64Range(p.model.floor+1, p.revision+2).Draw(p.t, "revision")
	for _, c := range p.model.log[p.model.position:] {
		if c.revision == revision {
			return
		}
	}
	require.Equal(p.t, sim.Fact{Alien: true}, p.view.Apply(revision, p.now))
}

// die closes the books of a life. The next one begins with a list.
func (p *viewPair) die() {
	if p.alive {
		want := p.model.staleness(p.now)
		before, last, open := p.view.End(p.now)
		p.ended(before)
		p.ended(last)
		require.Equal(p.t, want, p.stale, "stale from, length")
		require.Equal(p.t, !p.model.right(), open, "still stale")
	}
	if run := p.view.Run(); run > 0 {
		p.runs = append(p.runs, run)
	}
	require.Equal(p.t, p.model.runs(), p.runs, "runs of losses")
	p.view.Die()
	p.alive, p.listing, p.hand, p.stale, p.pending = false, false, -1, nil, nil
	p.runs, p.model.losses = nil, nil
	p.readList()
}

func (p *viewPair) ended(i sim.Ended) {
	if i.Length != 0 {
		p.stale = append(p.stale, i)
	}
}

func (p *viewPair) compare() {
	if !p.alive {
		return
	}
	require.Equal(p.t, p.model.position, p.view.Position())
	require.Equal(p.t, p.model.right(), p.view.Right(), "right")
	require.ElementsMatch(p.t, p.model.missing(), p.view.Missing(), "missing")
	for i := p.model.position; i < len(p.model.log); i++ {
		require.Equal(p.t, p.model.told[i], p.view.WasTold(i), "told of %d", i)
	}
}
