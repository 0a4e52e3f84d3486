package live

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/notifylab/notifylab/sim"
)

// What is kept for those who come later.
const (
	keptSeconds = 600.0  // of each run, up to its last point
	PointsMax   = 20_000 // of all runs; half as many more until there is a look
)

// The events of the stream, by their names there.
const (
	eventRun   = "run"
	eventPoint = "point"
	eventEnd   = "end"
	eventDone  = "done"
	eventReset = "reset"
)

// Run is a run that is shown. Its number counts from 0.
type Run struct {
	Run  int    `json:"run"`
	Name string `json:"name"`
}

// Point is a second of a run and how far the run is.
type Point struct {
	Run      int       `json:"run"`
	Phase    string    `json:"phase"`
	Fraction float64   `json:"fraction"` // of the time known to be needed, 0 to 1
	Dropped  uint64    `json:"dropped"`  // so far
	Point    sim.Point `json:"point"`
}

// End is how a run ended.
type End struct {
	Run       int      `json:"run"`
	Verdict   string   `json:"verdict"`
	Reasons   []string `json:"reasons"`
	Delivered uint64   `json:"delivered"`
	Dropped   uint64   `json:"dropped"`
	P50       int64    `json:"propagation_p50_ns"`
	P99       int64    `json:"propagation_p99_ns"`
	StaleP99  int64    `json:"staleness_p99_ns"`
}

// Done is how all runs did. Verdict is that of a run, or "interrupted".
type Done struct {
	Verdict string `json:"verdict"`
	Text    string `json:"text"`
}

// Board is what there is to show. Its methods may be called by many at a time.
type Board struct {
	title, name string

	mu      sync.Mutex
	log     []entry // by id
	id      uint64  // of the last entry
	points  int     // in log
	trimAt  int     // when points is that many, what is too old goes
	last    []float64
	done    bool
	changed chan struct{} // closed and replaced by every entry
}

// entry is an event of the stream.
type entry struct {
	id    uint64
	event string
	run   int
	at    float64 // of a point
	data  []byte
}

// NewBoard makes an empty one. The time tells it from those that were served at the same address
// before.
func NewBoard(title string, now time.Time) *Board {
	return &Board{title: title, name: strconv.FormatInt(now.UnixNano(), 36), trimAt: trimMin,
		changed: make(chan struct{})}
}

// Add adds a run and returns its number.
func (b *Board) Add(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	run := len(b.last)
	b.last = append(b.last, 0)
	b.addLocked(entry{event: eventRun, run: run}, Run{run, name})
	return run
}

// Report adds what a run told. The fraction is how much of it is done, 0 to 1.
func (b *Board) Report(run int, p sim.Progress, fraction float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !(fraction >= 0 && fraction <= 1) { // of a time that isn't known, it may be no number
		fraction = 0
	}
	shown := Point{Run: run, Phase: p.Phase, Fraction: fraction, Dropped: p.Dropped,
		Point: p.Point}
	shown.Point.Spread = nil // half of the bytes, and nothing here draws it
	b.last[run] = p.Point.At
	b.addLocked(entry{event: eventPoint, run: run, at: p.Point.At}, shown)
	if b.points++; b.points >= b.trimAt {
		b.trimLocked()
	}
}

// End says that a run has ended, and how; verdict is the word to show for it.
func (b *Board) End(run int, r *sim.Run, verdict string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addLocked(entry{event: eventEnd, run: run}, End{
		Run: run, Verdict: verdict, Reasons: r.Reasons,
		Delivered: r.Books.Delivered, Dropped: r.Books.DroppedTotal(),
		P50: r.Propagation.P50, P99: r.Propagation.P99, StaleP99: r.Staleness.P99,
	})
}

// Done says that nothing more will come. What is written after it is ignored, so that nobody waits
// for a second one.
func (b *Board) Done(d Done) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addLocked(entry{event: eventDone}, d)
	b.done = true
}

func (b *Board) addLocked(e entry, data any) {
	if b.done {
		return
	}
	var err error
	if e.data, err = json.Marshal(data); err != nil {
		// Numbers that JSON doesn't have are a mistake of the simulator's, not of a reader's.
		panic("live: " + err.Error())
	}
	b.id++
	e.id = b.id
	b.log = append(b.log, e)
	close(b.changed)
	b.changed = make(chan struct{})
}

// trimMin is how many points there are before it's worth a look which are too old.
const trimMin = 1000

// trimLocked forgets the points that are too old, and the first of those that are too many. It
// comes again only when half as many have been added, so that an entry costs the same however many
// are kept.
func (b *Board) trimLocked() {
	b.log = slices.DeleteFunc(b.log, func(e entry) bool {
		return e.event == eventPoint && e.at < b.last[e.run]-keptSeconds
	})
	b.points = 0
	for _, e := range b.log {
		if e.event == eventPoint {
			b.points++
		}
	}
	b.log = slices.DeleteFunc(b.log, func(e entry) bool {
		gone := e.event == eventPoint && b.points > PointsMax
		if gone {
			b.points--
		}
		return gone
	})
	b.trimAt = max(trimMin, b.points*3/2)
}

// after gives what follows an id, and a channel that is closed when there is more. The entries must
// not be changed.
func (b *Board) after(id uint64) (entries []entry, more <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, _ := slices.BinarySearchFunc(b.log, id+1, func(e entry, id uint64) int {
		switch {
		case e.id < id:
			return -1
		case e.id > id:
			return 1
		}
		return 0
	})
	return slices.Clone(b.log[at:min(len(b.log), at+burst)]), b.changed
}

// burst is how many entries a reader gets at a time.
const burst = 1000

// place reads an id of the stream. It is false for one that this board didn't give.
func (b *Board) place(id string) (uint64, bool) {
	name, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	b.mu.Lock()
	defer b.mu.Unlock()
	return n, err == nil && name == b.name && n <= b.id
}

// idOf is what place reads.
func (b *Board) idOf(n uint64) string { return b.name + "-" + strconv.FormatUint(n, 10) }
