package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim/server"
)

// busy is a server that has brought 10 changes to 3 watchers.
func busy(t *testing.T) *running {
	r := start(t, server.Config{})
	consumer, provider := pair(t)
	for range 3 {
		r.watch(consumer)
	}
	for i := range 10 {
		r.register(provider, fmt.Sprint("guest-", i))
	}
	r.do("GET", registryPath+"/health", "")
	require.Eventually(t, func() bool { return r.Stats().Sent.Count == 30 }, patient,
		time.Millisecond)
	return r
}

// TestMetrics_AreTheBooks: every figure is the one that Stats gives.
func TestMetrics_AreTheBooks(t *testing.T) {
	r := busy(t)
	got := r.do("GET", "/metrics", "")
	s := r.Stats()
	e := s.Events
	require.NotZero(t, e.Delivered)
	want := map[string]any{
		`published_total{type="INSTANCE"}`:        e.Published,
		`rejected_total{type="INSTANCE"}`:         e.Rejected,
		`offered_total{type="INSTANCE"}`:          e.Offered,
		`delivered_total{type="INSTANCE"}`:        e.Delivered,
		`stale_total{type="INSTANCE"}`:            e.Stale,
		`conflated_total{type="INSTANCE"}`:        e.Conflated,
		`in_flight{type="INSTANCE"}`:              e.InFlight,
		`queue_depth{type="INSTANCE"}`:            e.Queued,
		`queue_depth_high_water{type="INSTANCE"}`: e.QueueHigh,
		`published_total{type="ALARM"}`:           0,
		`connections{transport="websocket"}`:      3,
		`connections{transport="grpc"}`:           0,
		`http_requests_total{code="101"}`:         3,
		`http_requests_total{code="200"}`:         11,
		`registry_changes_total{action="CREATE"}`: s.Hub.Changes[registry.Create],
		`registry_instances`:                      110,
		`registry_leases`:                         110,
		`registry_services`:                       10,
		`registry_changes_lost_total`:             0,
		`find_requests_total{cache="hit"}`:        s.Hub.FindHits,
		`find_cache_entries`:                      s.Hub.FindEntries,
		`propagation_seconds_count`:               s.Sent.Count,
		`propagation_seconds_bucket{le="+Inf"}`:   s.Sent.Count,
	}
	for _, cause := range notify.Causes() {
		want[fmt.Sprintf(`dropped_total{cause=%q,type="INSTANCE"}`, cause)] = e.Dropped[cause]
	}
	for name, value := range want {
		assert.Contains(t, got, fmt.Sprintf("\nnotifylab_%s %v\n", name, value))
	}
}

func TestMetrics_FindsAndEnds(t *testing.T) {
	r := start(t, server.Config{})
	consumer, _ := pair(t)
	var key *registry.Service
	w, err := small(t).Build(0, 0)
	require.NoError(t, err)
	for _, s := range w.Registry.Services() {
		if s.ID == consumer {
			key = s
		}
	}
	find := fmt.Sprintf("%s/instances?appId=%s&serviceName=%s&version=0%%2B&env=%s", registryPath,
		key.App, key.Name, key.Env)
	r.do("GET", find, "")
	r.do("GET", find, "")
	require.NoError(t, r.watch(consumer).CloseNow())
	require.Eventually(t, func() bool { return len(r.Stats().Ended) > 0 }, patient,
		time.Millisecond)
	got := r.do("GET", "/metrics", "")
	for _, line := range []string{
		`find_requests_total{cache="hit"} 1`, `find_requests_total{cache="miss"} 1`,
		`find_cache_entries 1`,
		`connections_ended_total{reason="client vanished",transport="websocket"} 1`,
	} {
		assert.Contains(t, got, "notifylab_"+line+"\n")
	}
}

func TestMetrics_NamesAreAsPrometheusWantsThem(t *testing.T) {
	r := busy(t)
	text := r.do("GET", "/metrics", "")
	var ours []string
	for _, line := range strings.SplitAfter(text, "\n") {
		if strings.Contains(line, "notifylab_") {
			ours = append(ours, line)
		}
	}
	require.NotEmpty(t, ours)
	problems, err := promlint.New(strings.NewReader(strings.Join(ours, ""))).Lint()
	require.NoError(t, err)
	assert.Empty(t, problems)
}

// TestMetrics_PropagationIsANativeHistogram, in the format that has them, and has the same counts
// in classic buckets.
func TestMetrics_PropagationIsANativeHistogram(t *testing.T) {
	r := busy(t)
	q, err := http.NewRequestWithContext(r.ctx, "GET", "http://"+r.Addr().String()+"/metrics", nil)
	require.NoError(t, err)
	q.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	answer, err := r.client.Do(q)
	require.NoError(t, err)
	defer answer.Body.Close()
	decoder := expfmt.NewDecoder(answer.Body, expfmt.ResponseFormat(answer.Header))
	var family dto.MetricFamily
	for family.GetName() != "notifylab_propagation_seconds" {
		family.Reset()
		require.NoError(t, decoder.Decode(&family))
	}
	h := family.Metric[0].GetHistogram()
	assert.EqualValues(t, 30, h.GetSampleCount())
	assert.Positive(t, h.GetSampleSum())
	require.NotEmpty(t, h.Bucket)
	assert.EqualValues(t, 30, h.Bucket[len(h.Bucket)-1].GetCumulativeCount())
	assert.EqualValues(t, 3, h.GetSchema())
	var inBucket, all int64
	at := 0
	for _, span := range h.PositiveSpan {
		for range span.GetLength() {
			inBucket += h.PositiveDelta[at]
			all += inBucket
			at++
		}
	}
	assert.EqualValues(t, 30, all+int64(h.GetZeroCount()))
}

// TestMetrics_Alarms: 1 while one is lit, 0 once an admin has cleared it.
func TestMetrics_Alarms(t *testing.T) {
	r := start(t, server.Config{})
	require.NoError(t, alarm.Raise(r.Engine(), time.Now(), alarm.InternalError))
	shows := func(line string) func() bool {
		return func() bool {
			return strings.Contains(r.do("GET", "/metrics", ""), "\nnotifylab_"+line+"\n")
		}
	}
	require.Eventually(t, shows(`alarm_lit{id="InternalError"} 1`), patient, time.Millisecond)
	r.do("DELETE", "/v4/default/admin/alarms", "")
	assert.True(t, shows(`alarm_lit{id="InternalError"} 0`)())
	assert.True(t, shows(`published_total{type="ALARM"} 2`)())
}
