package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

const (
	checkOrder    = "check failed: order per subscription"
	checkGap      = "check failed: no untold gap"
	checkBooks    = "check failed: books balance"
	checkReceived = "check failed: delivered is received"
)

// A check that can't fail proves nothing: here each is given what it must find.
func TestEveryCheckFindsWhatItIsThereFor(t *testing.T) {
	for name, c := range map[string]struct {
		fault  func(t *testing.T, r *sim.Rig)
		broken []string // nothing else is
		says   string
	}{
		"nothing": {fault: func(*testing.T, *sim.Rig) {}},
		"an old event": {
			fault: func(t *testing.T, r *sim.Rig) {
				old := change(t, r, 0)
				r.Settle()
				change(t, r, 1)
				r.Settle()
				r.Consumer(0).Deliver(old)
			},
			broken: []string{checkOrder, checkGap, checkReceived},
			says:   "got revision",
		},
		"the same event twice": {
			fault: func(t *testing.T, r *sim.Rig) {
				ev := change(t, r, 0)
				r.Settle()
				r.Consumer(1).Deliver(ev)
			},
			broken: []string{checkOrder, checkGap, checkReceived},
			says:   "(1 times;",
		},
		"an event from before the list": {
			fault: func(t *testing.T, r *sim.Rig) {
				ev := change(t, r, 0)
				r.Settle()
				r.Ask("leave", 0)
				r.Settle()
				r.Consumer(0).Deliver(ev)
			},
			broken: []string{checkOrder, checkReceived},
			says:   "order per subscription",
		},
		"an event of another group": {
			fault: func(_ *testing.T, r *sim.Rig) {
				r.Consumer(0).Deliver(&notify.Event{Revision: 1 << 40, Due: time.Unix(1e9, 0)})
			},
			broken: []string{checkGap, checkReceived},
			says:   "which is none of its own",
		},
		"an event swallowed": {
			fault: func(t *testing.T, r *sim.Rig) {
				for range 3 {
					_, err := r.Change(0, true)
					require.NoError(t, err)
				}
				change(t, r, 1)
				r.Settle()
				change(t, r, 0)
			},
			broken: []string{checkGap},
			says:   "(4 times; first: consumer of c0 missed 3 revisions before",
		},
		"an event said to be lost that is conflated, and never made up for": {
			fault: func(t *testing.T, r *sim.Rig) {
				ev, err := r.Change(0, true)
				require.NoError(t, err)
				for i := range r.Consumers() {
					r.Consumer(i).Lose(ev, notify.Conflated)
				}
				change(t, r, 1)
			},
			says: "4 of 4 views still wrong 3s after the load",
		},
		"a delivery that nobody received": {
			fault:  func(_ *testing.T, r *sim.Rig) { r.Receive(-1) },
			broken: []string{checkReceived},
			says:   "the engine says 4, the consumers 3",
		},
		"books out of balance": {
			fault: func(_ *testing.T, r *sim.Rig) {
				s := r.Engine().Stats()
				s.Offered += 2
				r.CheckBooks(s)
			},
			broken: []string{checkBooks},
			says:   "offered is 2 more than all outcomes",
		},
		"views that do not heal": {
			fault: func(t *testing.T, r *sim.Rig) {
				_, err := r.Change(0, true)
				require.NoError(t, err)
			},
			says: "4 of 4 views still wrong 3s after the load; 0 events wait for watchers",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, quiet(4), oneService(t, 10), preset(t, sim.Config{}))
			change(t, r, 9) // something must happen
			r.Settle()
			c.fault(t, r)
			run := conclude(t, r)
			verdict := sim.Failed
			if c.says == "" {
				verdict = sim.Passed
			}
			assert.Equal(t, verdict, run.Verdict)
			reasons := strings.Join(run.Reasons, "\n")
			assert.Contains(t, reasons, c.says)
			for _, check := range []string{checkOrder, checkGap, checkBooks, checkReceived} {
				broken := strings.Contains(strings.Join(c.broken, "\n"), check)
				assert.Equal(t, broken, strings.Contains(reasons, check), "%s: %s", check, reasons)
			}
			assert.Equal(t, strings.Contains(c.says, "still wrong"), run.HealNS < 0)
		})
	}
}

func TestWhatDoesNotHealIsExplained(t *testing.T) {
	t.Run("events wait", func(t *testing.T) {
		s := quiet(4)
		s.Stuck = 0.5
		r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
		for n := range 3 {
			change(t, r, n)
		}
		run := conclude(t, r)
		require.Len(t, run.Reasons, 1)
		assert.Contains(t, run.Reasons[0], "2 of 4 views still wrong 3s after the load; "+
			"4 events wait for watchers, 0 in the task queue")
		assert.EqualValues(t, 2, run.OpenEnds)
		assert.EqualValues(t, 4, run.Staleness.Count+2, "two had no time to be stale")
	})
	t.Run("polled", func(t *testing.T) {
		s := quiet(4)
		r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{Engine: "sc-1.x"}))
		for n := range 36 {
			change(t, r, n%10)
		}
		run := conclude(t, r)
		require.Len(t, run.Reasons, 1)
		assert.Contains(t, run.Reasons[0],
			"at one event per 500ms the furthest behind, by 30, needs 15s")
		assert.True(t, run.Baseline)
		assert.Equal(t, sim.Failed, run.Verdict)
	})
}

func TestTheVerdict(t *testing.T) {
	s := quiet(1)
	s.LagBound = 50 * time.Millisecond
	bound := int64(s.LagBound)
	for name, c := range map[string]struct {
		run         sim.Run
		broken      []string
		unhealed    string
		interrupted bool
		want        string
		reasons     []string // what each says
	}{
		"nothing found": {run: samples(1, 0, 0), want: sim.Passed},
		"at the bound":  {run: samples(1, bound, bound), want: sim.Passed},
		"broken": {
			run: samples(1, 0, 0), broken: []string{"one", "two"},
			want: sim.Failed, reasons: []string{"one", "two"},
		},
		"unhealed": {
			run: samples(1, 0, 0), unhealed: "wrong", want: sim.Failed, reasons: []string{"wrong"},
		},
		"generator late": {
			run: samples(1, bound+1, 0), want: sim.Invalid,
			reasons: []string{"generator was saturated: its lag p99 is 50.000001ms, " +
				"the bound is 50ms"},
		},
		"consumers late": {
			run: samples(1, 0, bound+1), want: sim.Invalid,
			reasons: []string{"consumers were served late: lag p99 is 50.000001ms"},
		},
		"interrupted": {
			run: samples(0, 0, 0), interrupted: true,
			want: sim.Invalid, reasons: []string{"interrupted"},
		},
		"no samples": {
			run: samples(0, 0, 0), want: sim.Invalid, reasons: []string{"too few samples"},
		},
		"no samples of a baseline": {run: sim.Run{Baseline: true}, want: sim.Passed},
		"broken, though late and interrupted": {
			run: samples(0, bound+1, 0), broken: []string{"one"}, interrupted: true,
			want: sim.Failed, reasons: []string{"one", "saturated", "interrupted"},
		},
		"unhealed, but late": {
			run: samples(1, bound+1, 0), unhealed: "wrong",
			want: sim.Invalid, reasons: []string{"wrong", "saturated"},
		},
		"unhealed, but interrupted": {
			run: samples(1, 0, 0), unhealed: "wrong", interrupted: true,
			want: sim.Invalid, reasons: []string{"wrong", "interrupted"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.run.Judge(&s, c.broken, c.unhealed, c.interrupted)
			assert.Equal(t, c.want, c.run.Verdict)
			require.NotNil(t, c.run.Reasons, "so that it is [] in JSON")
			require.Len(t, c.run.Reasons, len(c.reasons), "%q", c.run.Reasons)
			for i, says := range c.reasons {
				assert.Contains(t, c.run.Reasons[i], says)
			}
		})
	}
}

// samples is a run that has so many, and these lags.
func samples(n, generator, consumer int64) sim.Run {
	return sim.Run{
		Propagation:  sim.Summary{Count: n},
		GeneratorLag: sim.Summary{P99: generator},
		ConsumerLag:  sim.Summary{P99: consumer},
	}
}
