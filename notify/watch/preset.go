package watch

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// Preset is one way to configure the engine and its watchers: the one meant for use, or a release
// line of Apache ServiceComb service-center for comparison. They are configurations, not copies.
type Preset struct {
	Name     string
	About    string
	Baseline bool // reproduces the harms of another engine

	Type  notify.TypeConfig
	Watch Config

	PollInterval time.Duration // with Watch.Poll: the time between two calls of Tick
	Pull         bool          // a goroutine per watcher: a Puller that fetches one at a time
}

// Presets lists them, the default first. The figures of the baselines are those of service-center's
// sources, as measured on the real program: queue 5000 per type and per watcher, one worker, a wait
// of 1 s for a full or still listing watcher and a poll every 500 ms (1.x), or the whole backlog
// thrown away when it is full and a goroutine per stream (2.x).
func Presets() []Preset {
	return []Preset{
		{
			Name:  "notifylab",
			About: "sharded; a slow watcher conflates in a backlog of its own and repairs itself",
			Type:  notify.TypeConfig{QueueSize: 5000},
			Watch: Config{Resync: true},
		},
		{
			Name:     "sc-1.x",
			About:    "one worker that waits up to 1 s for a watcher; streams polled every 500 ms",
			Baseline: true,
			Type:     notify.TypeConfig{QueueSize: 5000, Shards: 1, Batch: 1},
			Watch: Config{
				Backlog: notify.Backlog{
					Size: 5000, Overflow: notify.Block, AddTimeout: time.Second,
					Prealloc: true, WaitForList: true,
				},
				Poll: true,
			},
			PollInterval: 500 * time.Millisecond,
		},
		{
			Name:     "sc-2.x",
			About:    "one worker; a full watcher loses its whole backlog; a goroutine per stream",
			Baseline: true,
			Type:     notify.TypeConfig{QueueSize: 5000, Shards: 1, Batch: 1},
			Watch: Config{
				Backlog: notify.Backlog{Size: 5000, Overflow: notify.Flush, Prealloc: true},
			},
			Pull: true,
		},
	}
}

// PresetNamed finds one by its name; the error lists the names.
func PresetNamed(name string) (Preset, error) {
	var names []string
	for _, p := range Presets() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Preset{}, fmt.Errorf("%w: engine %q: want one of %s",
		notify.ErrInvalid, name, strings.Join(names, ", "))
}

// Effective is p with every zero that stands for a default replaced by that default.
func (p Preset) Effective() Preset {
	p.Type = p.Type.Effective()
	p.Watch.Backlog = p.Watch.Backlog.Effective()
	p.Watch.ListTimeout = cmp.Or(p.Watch.ListTimeout, DefaultListTimeout)
	return p
}
