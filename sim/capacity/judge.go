package capacity

import (
	"errors"
	"slices"
	"time"

	"github.com/notifylab/notifylab/sim"
)

// ErrSamples is what an error wraps that says that a load can't be judged.
var ErrSamples = errors.New("capacity: too few samples")

// DefaultSLOs are the objectives of whoever gives none. They are not those that a few consumers
// decide: of a load of which 1 % of the consumers are slow, the p99 of the propagation is that of
// the slow ones, and whether it is good is chance. And what was for consumers that had left isn't
// lost: where they come and go there is always some of it. 100 ms is what a delivery takes that
// waits behind dozens of others, so a tenth of them beyond it says that consumers are overloaded;
// with conflation it doesn't grow much from there, and what it grows to is up to the queues.
func DefaultSLOs() []sim.SLO {
	return []sim.SLO{
		{Metric: "propagation_p90", Below: float64(100 * time.Millisecond)},
		{Metric: "staleness_p99", Below: float64(2 * time.Second)},
		{Metric: "lost", Below: 0.001},
	}
}

// How many times longer a run may get to have enough samples: as long as nothing is known, and once
// less load was found to have enough. Where more load has fewer, it is mostly that views never
// become right any more, and that takes as long as one waits.
const (
	stretchMax  = 64
	stretchNear = 4
)

// judgement is what a run says of its load.
type judgement struct {
	meets   bool
	fails   []string // the objectives that are not met, and whatever else failed
	unknown []string // what can't be judged, while nothing fails
	stretch float64  // of the duration that would give enough samples; 0: none would
	lasted  float64  // times the scenario's duration
}

// judge says whether a run met its objectives.
func judge(r *sim.Run) judgement {
	var j judgement
	others := slices.Clone(r.Reasons)
	for i := range r.SLOs {
		x := &r.SLOs[i]
		if x.Verdict == sim.Passed {
			continue
		}
		text := x.String()
		others = slices.DeleteFunc(others, func(reason string) bool { return reason == text })
		if x.Verdict == sim.Failed {
			j.fails = append(j.fails, text)
			continue
		}
		j.unknown = append(j.unknown, text)
		j.stretch = max(j.stretch, stretchFor(x))
	}
	switch {
	case r.Verdict == sim.Failed:
		j.fails = append(j.fails, others...)
	case r.Verdict == sim.Invalid && len(others) > 0:
		j.unknown = append(j.unknown, others...)
		if j.stretch == 0 && r.Propagation.Count == 0 {
			j.stretch = stretchUnknown
		}
	}
	j.meets = len(j.fails)+len(j.unknown) == 0
	return j
}

// stretchUnknown is tried where there are no samples to tell how many a longer run would have.
const stretchUnknown = 8

// stretchFor is how many times longer a run must be for an objective to have its samples, with a
// quarter to spare. The length of a stage stays, so there it doesn't help.
func stretchFor(x *sim.SLOResult) float64 {
	switch {
	case x.Needed == 0 || x.SLO.Stage != "":
		return 0
	case x.Samples == 0:
		return stretchUnknown
	}
	return 1.25 * float64(x.Needed) / float64(x.Samples)
}

// undecided reports whether a run says neither.
func (j *judgement) undecided() bool { return !j.meets && len(j.fails) == 0 }

// presumed takes what can't be judged for a failure: it was not shown to meet the objectives.
func (j *judgement) presumed() {
	if j.undecided() {
		j.fails = j.unknown
	}
}
