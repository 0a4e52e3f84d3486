package sim

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// Environment is where it ran.
type Environment struct {
	Time       time.Time `json:"time"`
	GoVersion  string    `json:"go_version"`
	OS         string    `json:"os"`
	Arch       string    `json:"arch"`
	CPUs       int       `json:"cpus"`
	GOMAXPROCS int       `json:"gomaxprocs"`
	Revision   string    `json:"revision,omitempty"` // of this program's source
	Clock      string    `json:"clock"`

	// Under the virtual clock: what it was told about the cost of work, and what it took itself.
	CostModel *CostModel `json:"cost_model,omitempty"`
	Took      *Took      `json:"took,omitempty"`
}

// The clocks.
const (
	WallClock    = "wall"
	VirtualClock = "virtual"
)

// Took is what a part of this program took from the machine.
type Took struct {
	WallSeconds float64 `json:"wall_seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	PeakRSS     int64   `json:"peak_rss_bytes"`
}

// Meter begins to measure what is taken from now on; call its result for what it was.
func Meter(c clock.Clock) func() *Took {
	debug.FreeOSMemory()
	resetPeakRSS()
	began, cpu := c.Now(), cpuSeconds()
	return func() *Took {
		return &Took{
			WallSeconds: c.Now().Sub(began).Seconds(),
			CPUSeconds:  cpuSeconds() - cpu,
			PeakRSS:     peakRSS(),
		}
	}
}

// NewEnvironment describes this machine and program, for runs on the wall clock.
func NewEnvironment(now time.Time) Environment {
	e := Environment{
		Time: now.UTC(), GoVersion: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPUs: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), Clock: WallClock,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, kv := range info.Settings {
			if kv.Key == "vcs.revision" {
				e.Revision = kv.Value
			}
		}
	}
	return e
}
