package sim

import (
	"context"
	"runtime"
	"time"
)

// Case is a scenario with a configuration, for both clocks.
type Case struct {
	Name     string
	About    string
	Scenario Scenario
	Config   Config
}

// ValidationCases are the ones that the virtual clock's predictions are held against: from next to
// idle up to consumers that are overrun. In all of them the machine itself is loaded by well under
// 70 %, which is as far as a prediction of a machine with two cores can go.
func ValidationCases() []Case {
	base := DefaultScenario()
	base.Duration, base.Storm = 3*time.Second, 0
	base.Slow, base.Stuck, base.ConsumerChurn = 0, 0, 0
	shards := runtime.GOMAXPROCS(0)
	conflate := Config{Engine: "notifylab", Policy: "conflate", Shards: shards}
	lossy := Config{Engine: "notifylab", Policy: "drop-newest", WatcherQueue: 16, Shards: shards}

	steady := base
	busy := base
	busy.Rate = 300
	faulty := base
	faulty.Slow, faulty.Stuck, faulty.ConsumerChurn = 0.05, 0.005, 0.02
	storm := DefaultScenario()
	storm.Duration, storm.Storm, storm.StormWave = 3*time.Second, 2000, 100
	slow := base
	slow.Handling = 20 * time.Millisecond
	return []Case{
		{"steady", "100 changes/s, everybody well", steady, conflate},
		{"busy", "300 changes/s, everybody well", busy, conflate},
		{"faulty", "5 % slow, 0.5 % stuck, 2 %/s come and go", faulty, conflate},
		{"late", "consumers take 20 ms per event", slow, lossy},
		{"storm, conflate", "2000 changes of one service in 1 s", storm, conflate},
		{"storm, lossy", "the same, 16 events per watcher", storm, lossy},
	}
}

// Comparison is one figure as predicted in virtual time and as measured in real time.
type Comparison struct {
	Figure    string
	Unit      string // "/s", "%" or "ns"
	Predicted float64
	Measured  float64
	Aim       float64 // of the error, relative
}

// Error is the relative error of the prediction. Of two figures next to nothing it is 0.
func (c *Comparison) Error() float64 {
	const nothing = 1e-9
	if c.Measured < nothing && c.Predicted < nothing {
		return 0
	}
	return (c.Predicted - c.Measured) / max(c.Measured, nothing)
}

// Met reports whether the error is within the aim.
func (c *Comparison) Met() bool {
	e := c.Error()
	return -c.Aim <= e && e <= c.Aim
}

// Compare lays the figures of two runs of one case side by side.
func Compare(predicted, measured *Run, s *Scenario) []Comparison {
	rate := func(r *Run) float64 { return float64(r.Books.Delivered) / s.Duration.Seconds() }
	share := func(r *Run) float64 {
		return 100 * float64(r.Books.DroppedTotal()) / float64(max(r.Books.Offered, 1))
	}
	return []Comparison{
		{"throughput", "/s", rate(predicted), rate(measured), 0.10},
		{"dropped", "%", share(predicted), share(measured), 0.10},
		{"p50", "ns", float64(predicted.Propagation.P50), float64(measured.Propagation.P50), 0.25},
		{"p99", "ns", float64(predicted.Propagation.P99), float64(measured.Propagation.P99), 0.50},
	}
}

// Validate runs one case on both clocks.
func (c *Case) Validate(ctx context.Context, cost CostModel, report func(Progress)) (
	predicted, measured *Run, err error) {
	t, err := c.Scenario.Prepare(nil)
	if err != nil {
		return nil, nil, err
	}
	if predicted, err = RunVirtual(ctx, c.Scenario, t, c.Config, cost, nil); err != nil {
		return nil, nil, err
	}
	measured, err = RunWall(ctx, c.Scenario, t, c.Config, report)
	return predicted, measured, err
}
