//go:build !unix

package sim

import "runtime"

// cpuSeconds isn't known here; 0 stands for that in results.
func cpuSeconds() float64 { return 0 }

func resetPeakRSS() {}

// peakRSS is what the runtime got from the system, the nearest there is here.
func peakRSS() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
