package sim

import (
	"fmt"
	"sync"
)

// check is one of the promises that every run is held to.
type check uint8

const (
	checkOrder check = iota
	checkGap
	checkBooks
	checkReceived
	checkFrame
	checkPull
	numChecks
)

var checkNames = [numChecks]string{
	"order per subscription", "no untold gap", "books balance", "delivered is received",
	"frames are readable", "a pull gets the truth",
}

// checks counts what was found broken, with the first finding of each kind.
type checks struct {
	mu    sync.Mutex
	count [numChecks]int
	first [numChecks]string
}

func (cs *checks) fail(c check, format string, args ...any) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.count[c]++; cs.count[c] == 1 {
		cs.first[c] = fmt.Sprintf(format, args...)
	}
}

// reasons says in words what was broken; none is good.
func (cs *checks) reasons() []string {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var out []string
	for c, n := range cs.count {
		if n > 0 {
			out = append(out, fmt.Sprintf("check failed: %s (%d times; first: %s)",
				checkNames[c], n, cs.first[c]))
		}
	}
	return out
}
