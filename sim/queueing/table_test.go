package queueing_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim/queueing"
)

// figure is a method of a system that takes no argument.
type figure func() (float64, error)

// must is for systems that are in range.
func must(t require.TestingT, f figure) float64 {
	got, err := f()
	require.NoError(t, err)
	return got
}

// at is a figure that takes an argument.
func at(f func(float64) (float64, error), arg float64) figure {
	return func() (float64, error) { return f(arg) }
}

func mm1k(r float64, k int) queueing.MM1K { return queueing.MM1K{Lambda: r, Mu: 1, K: k} }

func mmck(lambda float64, c, k int) queueing.MMcK {
	return queueing.MMcK{Lambda: lambda, Mu: 1, C: c, K: k}
}

func md1(r float64) queueing.MD1 { return queueing.MD1{Lambda: r, D: 1} }

func md1k(r float64, k int) queueing.MD1K { return queueing.MD1K{Lambda: r, D: 1, K: k} }

func patience(r, tau float64) queueing.PatienceM1 {
	return queueing.PatienceM1{Lambda: r, Mu: 1, Tau: tau}
}

func flush(r float64, q int) queueing.FlushM1 {
	return queueing.FlushM1{Lambda: r, Mu: 1, Q: q}
}

// The checked values, each to the digits it is printed with.
func TestFigures_AreTheCheckedValues(t *testing.T) {
	batches := queueing.FixedBatchM1{Lambda: 0.1, Mu: 1, Size: 8}
	for _, tt := range []struct {
		name string
		got  figure
		want string
	}{
		{"M/M/1/10 r=0.9 loss", mm1k(0.9, 10).Loss, "0.05081"},
		{"M/M/1/10 r=0.9 L", mm1k(0.9, 10).L, "3.9694"},
		{"M/M/1/10 r=0.9 W p99", at(mm1k(0.9, 10).WaitQuantile, 0.99), "13.464"},
		{"M/M/1/20 r=1.2 loss", mm1k(1.2, 20).Loss, "0.17037"},
		{"M/M/1/20 r=1.2 W p99", at(mm1k(1.2, 20).WaitQuantile, 0.99), "27.951"},
		{"M/D/1 r=0.8 E[W]", md1(0.8).WaitMean, "2.0000"},
		{"M/D/1 r=0.8 W p50", at(md1(0.8).WaitQuantile, 0.5), "1.276"},
		{"M/D/1 r=0.8 W p99", at(md1(0.8).WaitQuantile, 0.99), "10.356"},
		{"M/D/1/10 r=0.9 loss", md1k(0.9, 10).Loss, "0.016632"},
		{"M^[8]/M/1 r=0.8 L", batches.L, "18.0"},
		{"M/M/1+D tau=5 r=0.8", patience(0.8, 5).Timeout, "0.07699"},
		{"M/M/1+D tau=5 r=1", patience(1, 5).Timeout, "0.14286"},
		{"M/M/1+D tau=5 r=1.3", patience(1.3, 5).Timeout, "0.26587"},
		{"flush Q=10 r=0.9", flush(0.9, 10).Loss, "0.08507"},
		{"flush Q=10 r=1", flush(1, 10).Loss, "0.13333"},
		{"flush Q=10 r=1.2", flush(1.2, 10).Loss, "0.23512"},
		{"tail drop Q=10 r=0.9", mm1k(0.9, 11).Loss, "0.04373"},
		{"tail drop Q=10 r=1", mm1k(1, 11).Loss, "0.08333"},
		{"tail drop Q=10 r=1.2", mm1k(1.2, 11).Loss, "0.18772"},
	} {
		want, err := strconv.ParseFloat(tt.want, 64)
		require.NoError(t, err)
		_, decimals, _ := strings.Cut(tt.want, ".")
		halfDigit := 0.5 * math.Pow10(-len(decimals))
		assert.InDelta(t, want, must(t, tt.got), halfDigit, tt.name)
	}
}

// Values that follow by hand, or are printed in textbooks.
func TestFigures_AreThoseOfKnownSystems(t *testing.T) {
	agents := queueing.ErlangA{Lambda: 1, Mu: 1, Theta: 1, C: 1, K: 200}
	pairs := queueing.BatchM1K{Lambda: 1, Mu: 1, Batch: []float64{0, 1}, K: 1}
	geo := queueing.GeoBatchM1{Lambda: 0.25, Mu: 1, P: 0.5}
	for _, tt := range []struct {
		name string
		got  figure
		want float64
	}{
		{"Erlang B, 10 erlang on 10", mmck(10, 10, 10).Loss, 0.21458234310734736},
		{"Erlang B, 2 erlang on 3", mmck(2, 3, 3).Loss, 4. / 19},
		{"nobody waits at K = C", at(mmck(10, 10, 10).WaitTail, 0), 0},
		{"M/M/1/1 loss", mm1k(3, 1).Loss, 0.75},
		{"M/M/1/1 wait", mm1k(3, 1).WaitMean, 0},
		{"M/D/1/1 is insensitive", md1k(3, 1).Loss, 0.75},
		{"M/D/1/2", md1k(1, 2).Loss, 1 - 1/(1+math.Exp(-1))},
		{"flush with one slot is tail drop", flush(2, 1).Loss, 4. / 7},
		{"no patience is M/M/1/1", patience(3, 0).Timeout, 0.75},
		// theta = mu makes the number in system Poisson, as with servers for everybody.
		{"Erlang-A L", agents.L, 1},
		{"Erlang-A abandonment", agents.Abandon, math.Exp(-1)},
		{"half of each pair is lost, and more", pairs.Loss, 0.75},
		{"geometric batches L", geo.L, 2},
		{"geometric batches mean", geo.SojournMean, 4},
		{"geometric batches median", at(geo.SojournQuantile, 0.5), 4 * math.Ln2},
		{"M/D/1 P(W=0)", at(md1(0.3).WaitCDF, 0), 0.7},
		{"M/D/1 P(W≤D)", at(md1(0.5).WaitCDF, 1), 0.5 * (math.Exp(0.5) - 0)},
	} {
		assert.InDelta(t, tt.want, must(t, tt.got), 1e-12, tt.name)
	}
}
