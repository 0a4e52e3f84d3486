package capacity_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
)

func knobs(t require.TestingT, texts ...string) (list []sim.Knob) {
	for _, text := range texts {
		k, err := capacity.ParseKnob(text)
		require.NoError(t, err)
		list = append(list, k)
	}
	return list
}

// smallSweep has eight runs.
func smallSweep(t require.TestingT) *capacity.Sweep {
	s, err := capacity.NewSweep(capacity.Base{Scenario: lively(), Config: notifylab},
		knobs(t, "watcher_queue=2,64", "policy=conflate,flush"), capacity.Seeds(1, 2))
	require.NoError(t, err)
	return s
}

// swept runs a sweep until so many runs were made.
func swept(t require.TestingT, s *capacity.Sweep, width, until int) *sim.Document {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := lab(sim.DefaultCost(), width)
	l.Done = func(_ *capacity.Job, _ *sim.Run, made, _ int) {
		if made == until {
			cancel()
		}
	}
	require.NoError(t, s.Run(ctx, l, nil))
	return s.Document(environment)
}

func TestSweep_RunsEveryCombinationWithEverySeedInOrder(t *testing.T) {
	s := smallSweep(t)
	require.Equal(t, 8, s.Len())
	doc := swept(t, s, 0, -1)
	require.Len(t, doc.Runs, 8)
	assert.Zero(t, s.Left())
	i := 0
	for _, queue := range []string{"2", "64"} {
		for _, policy := range []string{"conflate", "flush"} {
			for seed := range uint64(2) {
				r := doc.Runs[i]
				assert.Equal(t, []sim.Setting{{Path: "watcher_queue", Value: queue},
					{Path: "policy", Value: policy}}, r.Settings)
				assert.Equal(t, seed+1, r.Seed)
				assert.Equal(t, policy, r.Config.Policy)
				assert.Equal(t, queue, sprintf("%d", r.Config.WatcherQueue))
				i++
			}
		}
	}
	assert.NotEqual(t, asJSON(t, doc.Runs[0].Propagation), asJSON(t, doc.Runs[1].Propagation))
}

// Whatever is interrupted and goes on, at any width, in the same bytes as what was not.
func TestSweep_InterruptedAndResumedIsTheSameAsUninterrupted(t *testing.T) {
	whole := asJSON(t, swept(t, smallSweep(t), 2, -1))
	for _, untils := range [][]int{{}, {1}, {5}, {2, 1}, {1, 3, 2}} {
		var kept *sim.Document
		for i, until := range untils {
			kept = reread(t, swept(t, resumed(t, kept), 1+i, until))
			require.NotEmpty(t, kept.Runs)
			require.Less(t, len(kept.Runs), 8)
		}
		require.Equal(t, whole, asJSON(t, swept(t, resumed(t, kept), 2, -1)), "%v", untils)
	}
}

// resumed goes on with a document, or begins.
func resumed(t require.TestingT, doc *sim.Document) *capacity.Sweep {
	s := smallSweep(t)
	if doc != nil {
		taken, err := s.Resume(doc, environment)
		require.NoError(t, err)
		require.Equal(t, len(doc.Runs), taken)
		require.Equal(t, s.Len()-taken, s.Left())
	}
	return s
}

// reread is a document as it is after it was in a file.
func reread(t require.TestingT, doc *sim.Document) *sim.Document {
	data, err := json.Marshal(doc)
	require.NoError(t, err)
	back := new(sim.Document)
	require.NoError(t, json.Unmarshal(data, back))
	return back
}

func TestSweep_ResumesNoOtherSweepAndSaysWhatDiffers(t *testing.T) {
	doc := reread(t, swept(t, smallSweep(t), 2, -1))
	other := func(change func(*capacity.Base)) error {
		b := capacity.Base{Scenario: lively(), Config: notifylab}
		change(&b)
		s, err := capacity.NewSweep(b, knobs(t, "watcher_queue=2,64", "policy=conflate,flush"),
			capacity.Seeds(1, 2))
		require.NoError(t, err)
		_, err = s.Resume(doc, environment)
		return err
	}
	require.NoError(t, other(func(*capacity.Base) {}))
	for want, change := range map[string]func(*capacity.Base){
		"scenario.rate is 90 here and 100 there": func(b *capacity.Base) {
			b.Scenario.Rate = 90
		},
		`"queue_size":7`: func(b *capacity.Base) {
			b.Config.QueueSize = 7
		},
		`scenario.slos is ["heal < 1s"] here and none the`: func(b *capacity.Base) {
			b.Scenario.SLOs = slo(t, "heal < 1s")
		},
	} {
		err := other(change)
		require.ErrorIs(t, err, capacity.ErrOther)
		assert.ErrorContains(t, err, want)
	}
	s := smallSweep(t)
	cheaper := environment
	cheaper.CostModel = new(sim.ZeroCost())
	_, err := s.Resume(doc, cheaper)
	assert.ErrorContains(t, err, "cost_model.deliver_ns is 0 here and")
	_, err = s.Resume(&sim.Document{}, environment)
	assert.ErrorContains(t, err, "it has no sweep")
	doc.Runs[3].Config.Policy = "evict"
	_, err = s.Resume(doc, environment)
	assert.ErrorContains(t, err, "it has a run of watcher_queue=2 policy=flush seed=2")
}

func TestNewSweep_NamesWhatCannotRun(t *testing.T) {
	for want, texts := range map[string][]string{
		"there is none: want one or more":                      {},
		"policy is there twice":                                {"policy=flush", "policy=block"},
		`policy=nosuch seed=1: policy = "nosuch": want one of`: {"policy=flush,nosuch"},
		"queue_size: \"0\": want a whole number, 1 or more":    {"queue_size=0"},
		"rate=2e7 seed=1: rate = 2e+07: want changes per sec":  {"rate=1,2e7"},
		"rate = \"fast\": want a number":                       {"rate=fast"},
		"want 0 for the":                                       {"workload=small", "providers=3"},
		"make more than 1000: want fewer values": {"rate=1..900+1",
			"policy=flush,block"},
	} {
		_, err := capacity.NewSweep(capacity.Base{Scenario: lively(), Config: notifylab},
			knobs(t, texts...), []uint64{1})
		if assert.Error(t, err, want) {
			assert.ErrorContains(t, err, want)
		}
	}
	_, err := capacity.NewSweep(capacity.Base{Scenario: lively(), Config: notifylab},
		knobs(t, "policy=flush"), []uint64{1, 1})
	assert.ErrorContains(t, err, "seed 1 is there twice")
}

func TestNewSweep_GivesEachWorkloadItsConsumersAndWhatFollows(t *testing.T) {
	b := capacity.Base{Scenario: lively(), Config: notifylab,
		Finish: func(s *sim.Scenario) { s.Heal = sim.DefaultScenario().Heal * 2 }}
	b.Scenario.Consumers, b.Scenario.Duration = 0, 1e6
	s, err := capacity.NewSweep(b, knobs(t, "workload=small,hot-subject"), []uint64{1})
	require.NoError(t, err)
	doc := swept(t, s, 0, -1)
	assert.Contains(t, doc.Runs[0].World, "2000 consumers")
	assert.Contains(t, doc.Runs[1].World, "3000 consumers")
}
