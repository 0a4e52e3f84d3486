package queueing

import (
	"errors"
	"fmt"
	"math"
)

// ErrRange is wrapped by every error of this package: a parameter or argument is outside the range
// in which the form holds. The message has a line for each one, with the accepted form.
var ErrRange = errors.New("queueing: out of range")

// KMax is the largest K, Q, C and batch size.
const KMax = 10_000_000

// Rates and times beyond these bounds have no use, and within them no product or ratio of those
// that the forms need can overflow.
const (
	scaleMin = 1e-50
	scaleMax = 1e50
)

// negligible, relative to the largest, ends a chain of probabilities: what would follow is
// subnormal, which is slow to compute with and has no digits left.
const negligible = 1e-300

func outOfRange(field string, got any, want string) error {
	return fmt.Errorf("%w: %s = %v: want %s", ErrRange, field, got, want)
}

// positive checks a rate or a time that must not be 0. Like all checks it is written so that NaN
// fails it.
func positive(field string, v float64) error {
	if v >= scaleMin && v <= scaleMax {
		return nil
	}
	return outOfRange(field, v, "a positive number from 1e-50 to 1e50")
}

// zeroOrMore checks a rate or a time that may be 0.
func zeroOrMore(field string, v float64) error {
	if v >= 0 && v <= scaleMax {
		return nil
	}
	return outOfRange(field, v, "a number from 0 to 1e50")
}

func count(field string, v, lo int) error {
	if v >= lo && v <= KMax {
		return nil
	}
	return outOfRange(field, v, fmt.Sprintf("an integer from %d to %d", lo, KMax))
}

// level checks the q of a quantile.
func level(q float64) error {
	if q >= 0 && q < 1 {
		return nil
	}
	return outOfRange("q", q, "a number from 0 to below 1")
}

// stable checks that a system without a bound has a steady state.
func stable(formula string, r float64) error {
	if r < 1 {
		return nil
	}
	return outOfRange(formula, r, "a load below 1, for the queue has no bound")
}

// logRatio is ln(a/b), to full precision also where a is close to b.
func logRatio(a, b float64) float64 {
	if a > b/2 && a < b*2 {
		return math.Log1p((a - b) / b)
	}
	return math.Log(a / b)
}
