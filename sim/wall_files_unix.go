//go:build unix

package sim

import "syscall"

// openFilesMax raises the limit of open files as far as that goes without asking anybody, and says
// where it is then.
func openFilesMax() (limit int, known bool) {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0, false
	}
	soft := l.Cur
	if l.Cur = l.Max; syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		l.Cur = soft // the system has another bound below the hard one
	}
	return int(min(uint64(l.Cur), 1<<30)), true
}
