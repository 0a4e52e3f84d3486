package report_test

import (
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// The log is read by the library's reader: every histogram comes back whole, under its tag.
func TestHlogGivesEveryLatencyBack(t *testing.T) {
	results := kept(t, "medium")
	got := write(t, "hlog", results)
	assert.True(t, strings.HasPrefix(got, "#[Histogram log format version 1.3]\n"))
	d := results[0].Document
	from := d.Environment.Time.Add(d.Scenario.Warmup)
	r := hdrhistogram.NewHistogramLogReader(strings.NewReader(got))
	for _, run := range d.Runs {
		for _, l := range []struct {
			tag string
			of  *sim.Summary
		}{
			{"propagation", &run.Propagation}, {"staleness", &run.Staleness},
			{"publish-wait", &run.PublishWait}, {"generator-lag", &run.GeneratorLag},
			{"consumer-lag", &run.ConsumerLag},
		} {
			h, err := r.NextIntervalHistogram()
			require.NoError(t, err)
			require.NotNil(t, h)
			want, err := l.of.Decode()
			require.NoError(t, err)
			assert.True(t, want.Equals(h), l.tag)
			assert.Equal(t, l.tag+":"+strings.ReplaceAll(report.Name(&run.Config), " ", "-"),
				h.Tag())
			assert.InDelta(t, from.UnixMilli(), h.StartTimeMs(), 1)
			assert.InDelta(t, from.Add(d.Scenario.Duration).UnixMilli(), h.EndTimeMs(), 1)
		}
	}
	h, err := r.NextIntervalHistogram()
	assert.NoError(t, err)
	assert.Nil(t, h, "nothing more")
}

// Tags of several results differ, and hold nothing that would end them.
func TestHlogTagsTellResultsApart(t *testing.T) {
	two := append(made(t), made(t)...)
	two[1].Name = "b, c\nd"
	seen := make(map[string]bool)
	r := hdrhistogram.NewHistogramLogReader(strings.NewReader(write(t, "hlog", two)))
	for {
		h, err := r.NextIntervalHistogram()
		require.NoError(t, err)
		if h == nil {
			break
		}
		assert.False(t, seen[h.Tag()], h.Tag())
		seen[h.Tag()] = true
	}
	assert.Contains(t, seen, "made:propagation:notifylab-conflate-5000/256")
	assert.Contains(t, seen, "b--c-d:propagation:notifylab-conflate-5000/256")
}

func TestHgrmIsTheDistributionInMilliseconds(t *testing.T) {
	r := made(t)
	one, err := report.Select(r, []int{1})
	require.NoError(t, err)
	golden(t, "hgrm.golden", write(t, "hgrm", one))
}
