//go:build unix

package sim

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// cpuSeconds is the user and system time of this process so far.
func cpuSeconds() float64 {
	u := usage()
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func usage() (u syscall.Rusage) {
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails only on a bad argument
	return u
}

// resetPeakRSS starts the high-water mark of resident memory anew where the system can (Linux:
// proc_pid_clear_refs(5)); elsewhere it is that of the whole process.
func resetPeakRSS() {
	if runtime.GOOS == "linux" {
		_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	}
}

// peakRSS is the high-water mark of resident memory, in bytes.
func peakRSS() int64 {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range bytes.Lines(status) {
			f := bytes.Fields(line)
			if len(f) == 3 && string(f[0]) == "VmHWM:" {
				if kB, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
					return kB << 10
				}
			}
		}
	}
	u := usage()
	if runtime.GOOS == "darwin" {
		return int64(u.Maxrss) // bytes there, kB elsewhere
	}
	return int64(u.Maxrss) << 10
}
