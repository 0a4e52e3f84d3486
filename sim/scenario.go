package sim

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
	"github.com/notifylab/notifylab/sim/trace"
)

// Scenario is the load: all that doesn't depend on the engine under test. Durations are in
// nanoseconds in JSON.
type Scenario struct {
	Workload  string `json:"workload,omitempty"` // a built-in one; "" with a topology
	Topology  string `json:"topology,omitempty"` // the name of a dump
	Seed      uint64 `json:"seed"`
	Consumers int    `json:"consumers"` // 0: the workload's; with a topology, one per instance
	Providers int    `json:"providers"` // instances; 0: as in the workload or topology

	Warmup   time.Duration `json:"warmup"`   // not recorded
	Duration time.Duration `json:"duration"` // recorded
	Heal     time.Duration `json:"heal"`     // at most, after the load, until all views are right

	Rate     float64 `json:"rate"`     // provider changes per second
	Arrivals string  `json:"arrivals"` // poisson or constant
	Batch    int     `json:"batch"`    // changes that arrive at once; the rate is that of all
	Churn    float64 `json:"churn"`    // share of the changes that are a deregister or a register

	Storm       int           `json:"storm"`        // changes of one service in the storm; 0: none
	StormLength time.Duration `json:"storm_length"` // from a quarter of Duration on
	StormWave   int           `json:"storm_wave"`   // changes that are due at one instant

	Handling   time.Duration `json:"handling"`    // mean time a consumer takes for an event
	Spread     string        `json:"spread"`      // of it: log-normal, exponential or constant
	Slow       float64       `json:"slow"`        // share of slow consumers
	SlowFactor float64       `json:"slow_factor"` // their handling time, times this
	Stuck      float64       `json:"stuck"`       // that stop at their first event; they still pull

	ConsumerChurn float64       `json:"consumer_churn"` // share that leaves, crashes or is cut, 1/s
	Backoff       time.Duration `json:"backoff"`        // before the first reconnect; doubles
	ListTime      time.Duration `json:"list_time"`      // mean time to list
	Pull          time.Duration `json:"pull"`           // period of a consumer's pull; 0: none

	LinkDelay       time.Duration `json:"link_delay"`       // mean time of an event to its consumer
	LinkSpread      string        `json:"link_spread"`      // of it: as Spread
	LinkLoss        float64       `json:"link_loss"`        // share of frames that are sent again
	Partition       float64       `json:"partition"`        // share of consumers that are cut off…
	PartitionLength time.Duration `json:"partition_length"` // …for so long from half of Duration on

	Transport    Transport     `json:"transport,omitzero"`      // how events get to consumers
	Heartbeat    time.Duration `json:"heartbeat,omitempty"`     // between pings; 0: 30 s
	WriteTimeout time.Duration `json:"write_timeout,omitempty"` // of one write; 0: 5 s
	ReadTimeout  time.Duration `json:"read_timeout,omitempty"`  // of silence; 0: 4 heartbeats

	Stages []Stage `json:"stages,omitempty"` // rates of changes of their own, one after another
	Faults []Fault `json:"faults,omitempty"` // blocks of trouble
	SLOs   []SLO   `json:"slos,omitempty"`   // what a run must achieve to pass

	LagBound time.Duration `json:"lag_bound"` // lag p99 beyond which a run is invalid

	// A trace takes the place of Rate, Storm and what stages add: see ReadTrace.
	Trace      string  `json:"trace,omitempty"`       // its name, and a hash of its content
	TraceSpeed float64 `json:"trace_speed,omitempty"` // times as fast as recorded; 0: as it was
	changes    *trace.Trace
}

// factorMax is how much longer handling may take, by one cause: all of them together stay finite.
const factorMax = 1e6

// The largest configurations. Beyond them there is nothing to be learned, and the memory of the
// machine to be lost.
const (
	queueMax  = 1 << 24
	shardsMax = 1 << 10
)

var wantQueue = fmt.Sprintf("1 to %d", queueMax)

// spreads are the distributions that a handling time can have.
var spreads = []string{"log-normal", "exponential", "constant"}

// DefaultScenario is the load that shows what queue sizes do: changes as a company has them, one
// storm, some slow and some stuck consumers, and consumers that come and go.
func DefaultScenario() Scenario {
	return Scenario{
		Workload:      "medium",
		Seed:          1,
		Warmup:        500 * time.Millisecond,
		Duration:      4 * time.Second,
		Heal:          3 * time.Second,
		Rate:          100,
		Arrivals:      "poisson",
		Batch:         1,
		Churn:         0.4,
		Storm:         5500,
		StormLength:   time.Second,
		StormWave:     275,
		Handling:      time.Millisecond,
		Spread:        "log-normal",
		Slow:          0.01,
		SlowFactor:    100,
		Stuck:         0.002,
		ConsumerChurn: 0.005,
		Backoff:       100 * time.Millisecond,
		ListTime:      20 * time.Millisecond,
		Pull:          30 * time.Second,
		LinkSpread:    "log-normal",
		LagBound:      100 * time.Millisecond,
	}
}

// Config is the engine under test.
type Config struct {
	Engine       string `json:"engine"`              // a watch.Preset
	QueueSize    int    `json:"queue_size"`          // task queue; 0: the preset's
	WatcherQueue int    `json:"watcher_queue"`       // 0: the preset's
	Policy       string `json:"policy"`              // "": the preset's
	Shards       int    `json:"shards"`              // 0: the preset's
	NoResync     bool   `json:"no_resync,omitempty"` // lost something: no new list
}

// A Mistake is one value that can't be used.
type Mistake struct {
	Field string // as in JSON
	Got   string
	Want  string // the accepted form
}

func (m Mistake) Error() string { return fmt.Sprintf("%s = %s: want %s", m.Field, m.Got, m.Want) }

// Mistakes are all that was found wrong, not only the first.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.Error()
	}
	return strings.Join(lines, "; ")
}

func (ms *Mistakes) unless(ok bool, field string, got any, want string) {
	if !ok {
		*ms = append(*ms, Mistake{Field: field, Got: fmt.Sprint(got), Want: want})
	}
}

// err is nil when there are no mistakes.
func (ms Mistakes) err() error {
	if len(ms) == 0 {
		return nil
	}
	return ms
}

// Validate reports everything that is wrong with s, as Mistakes.
func (s *Scenario) Validate() error {
	var ms Mistakes
	if s.Topology == "" {
		var names []string
		for _, w := range Workloads() {
			names = append(names, w.Name)
		}
		ms.unless(slices.Contains(names, s.Workload), "workload", fmt.Sprintf("%q", s.Workload),
			OneOf(s.Workload, names))
	}
	ms.unless(s.Consumers >= 0, "consumers", s.Consumers, "0 (the workload's) or more")
	ms.unless(s.Providers >= 0, "providers", s.Providers, "0 (the workload's) or more")
	ms.unless(s.Warmup >= 0, "warmup", s.Warmup, "a duration, 0s or more")
	ms.unless(s.Duration > 0, "duration", s.Duration, "a duration above 0, such as 10s")
	ms.unless(s.Heal >= 0, "heal", s.Heal, "a duration, 0s or more")
	ms.unless(s.Rate > 0 && s.Rate <= 1e6, "rate", s.Rate, "changes per second, above 0 to 1e6")
	ms.unless(s.Arrivals == "poisson" || s.Arrivals == "constant", "arrivals",
		fmt.Sprintf("%q", s.Arrivals), "poisson or constant")
	ms.unless(s.Batch >= 1 && s.Batch <= 1e6, "batch", s.Batch, "a number of changes, 1 to 1e6")
	ms.unless(s.Churn >= 0 && s.Churn <= 1, "churn", s.Churn, "a share, 0 to 1")
	ms.unless(s.Storm >= 0 && s.Storm <= 1e6, "storm", s.Storm, "a number of changes, 0 to 1e6")
	ms.unless(s.StormLength >= 0, "storm_length", s.StormLength, "a duration, 0s or more")
	ms.unless(s.StormWave >= 1, "storm_wave", s.StormWave, "a number of changes, 1 or more")
	ms.unless(s.Handling >= 0, "handling", s.Handling, "a duration, 0s or more")
	ms.unless(slices.Contains(spreads, s.Spread), "spread", fmt.Sprintf("%q", s.Spread),
		"one of "+strings.Join(spreads, ", "))
	ms.unless(s.Slow >= 0 && s.Slow <= 1, "slow", s.Slow, "a share, 0 to 1")
	ms.unless(s.SlowFactor >= 1 && s.SlowFactor <= factorMax, "slow_factor", s.SlowFactor,
		"a factor, 1 to 1e6")
	ms.unless(s.Stuck >= 0 && s.Stuck <= 1, "stuck", s.Stuck, "a share, 0 to 1")
	ms.unless(s.Slow+s.Stuck <= 1 || s.Slow > 1 || s.Stuck > 1, "stuck", s.Stuck,
		"slow and stuck consumers together at most 1")
	ms.unless(s.ConsumerChurn >= 0 && s.ConsumerChurn <= 1, "consumer_churn", s.ConsumerChurn,
		"a share per second, 0 to 1")
	ms.unless(s.Backoff > 0, "backoff", s.Backoff, "a duration above 0")
	ms.unless(s.ListTime >= 0, "list_time", s.ListTime, "a duration, 0s or more")
	ms.unless(s.Pull >= 0, "pull", s.Pull, "a duration, 0s (no pulls) or more")
	ms.unless(s.LinkDelay >= 0, "link_delay", s.LinkDelay, "a duration, 0s or more")
	ms.unless(slices.Contains(spreads, s.LinkSpread), "link_spread",
		fmt.Sprintf("%q", s.LinkSpread), "one of "+strings.Join(spreads, ", "))
	ms.unless(s.LinkLoss >= 0 && s.LinkLoss <= 0.9, "link_loss", s.LinkLoss, "a share, 0 to 0.9")
	ms.unless(s.Partition >= 0 && s.Partition <= 1, "partition", s.Partition, "a share, 0 to 1")
	ms.unless(s.PartitionLength >= 0, "partition_length", s.PartitionLength,
		"a duration, 0s or more")
	ms.unless(s.Partition == 0 || s.PartitionLength != 0, "partition_length", s.PartitionLength,
		"a duration above 0 with partition")
	ms.unless(s.Partition != 0 || s.PartitionLength <= 0, "partition", s.Partition,
		"a share above 0 with partition_length")
	s.validateTransport(&ms)
	s.validateStages(&ms)
	s.validateFaults(&ms)
	s.validateSLOs(&ms)
	s.validateTrace(&ms)
	ms.unless(s.LagBound > 0, "lag_bound", s.LagBound, "a duration above 0")
	return ms.err()
}

// Resolve fills in what the preset knows and reports everything that is wrong with c.
func (c Config) Resolve() (watch.Preset, Config, error) {
	var ms Mistakes
	p, err := watch.PresetNamed(c.Engine)
	if err != nil {
		var names []string
		for _, p := range watch.Presets() {
			names = append(names, p.Name)
		}
		ms.unless(false, "engine", fmt.Sprintf("%q", c.Engine), OneOf(c.Engine, names))
	}
	ms.unless(c.QueueSize >= 0 && c.QueueSize <= queueMax, "queue_size", c.QueueSize, wantQueue)
	ms.unless(c.WatcherQueue >= 0 && c.WatcherQueue <= queueMax, "watcher_queue", c.WatcherQueue,
		wantQueue)
	ms.unless(c.Shards >= 0 && c.Shards <= shardsMax, "shards", c.Shards,
		fmt.Sprintf("1 to %d, or 0 for the engine's own", shardsMax))
	if c.QueueSize > 0 {
		p.Type.QueueSize = c.QueueSize
	}
	if c.WatcherQueue > 0 {
		p.Watch.Backlog.Size = c.WatcherQueue
	}
	if c.Shards > 0 {
		p.Type.Shards = c.Shards
	}
	p.Watch.Resync = p.Watch.Resync && !c.NoResync
	if c.Policy != "" {
		p.Watch.Backlog.Overflow, err = notify.ParseOverflow(c.Policy)
		ms.unless(err == nil, "policy", fmt.Sprintf("%q", c.Policy),
			OneOf(c.Policy, notify.OverflowNames()))
	}
	if ms.err() != nil {
		return watch.Preset{}, Config{}, ms
	}
	full := p.Effective()
	return full, Config{
		Engine:       full.Name,
		QueueSize:    full.Type.QueueSize,
		WatcherQueue: full.Watch.Backlog.Size,
		Policy:       full.Watch.Backlog.Overflow.String(),
		Shards:       full.Type.Shards,
		NoResync:     c.NoResync,
	}, nil
}

// Prepare gives the topology of s, from a dump if there is one, and fills in how many consumers
// there are when s leaves that open.
func (s *Scenario) Prepare(dump io.Reader) (*Topology, error) {
	if dump != nil {
		t, err := ReadDump(dump, s.Topology)
		if err == nil && s.Consumers == 0 {
			s.Consumers = t.TotalInstances()
		}
		return t, err
	}
	w, err := FindWorkload(s.Workload)
	if err != nil {
		return nil, err
	}
	if s.Consumers == 0 {
		s.Consumers = w.Consumers
	}
	return Generate(w, s.Seed)
}
