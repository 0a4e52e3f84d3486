package queueing_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim/queueing"
)

func TestErrors_NameTheFieldTheValueAndTheAcceptedForm(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	batch := func(k int, p ...float64) figure {
		return queueing.BatchM1K{Lambda: 1, Mu: 1, Batch: p, K: k}.Loss
	}
	wide := make([]float64, 10_000)
	wide[0] = 1
	for _, tt := range []struct {
		got  figure
		want string // after the sentinel's text
	}{
		{mm1k(0, 1).Loss, "Lambda = 0: want a positive number"},
		{mm1k(-1, 1).L, "Lambda = -1: want a positive number"},
		{mm1k(nan, 1).WaitMean, "Lambda = NaN: want a positive number"},
		{mm1k(inf, 1).Loss, "Lambda = +Inf: want a positive number"},
		{mm1k(1e51, 1).Loss, "Lambda = 1e+51: want a positive number from 1e-50 to 1e50"},
		{mm1k(1, 0).Loss, "K = 0: want an integer from 1 to 10000000"},
		{mm1k(1, queueing.KMax+1).Loss, "K = 10000001: want an integer"},
		{at(mm1k(1, 1).WaitTail, -1), "t = -1: want a number from 0 to 1e50"},
		{at(mm1k(1, 1).WaitTail, nan), "t = NaN: want a number from 0 to 1e50"},
		{at(mm1k(1, 1).WaitQuantile, 1), "q = 1: want a number from 0 to below 1"},
		{at(mm1k(1, 1).WaitQuantile, nan), "q = NaN: want"},
		{queueing.MM1K{Lambda: 1, K: 1}.Loss, "Mu = 0: want"},
		{mmck(1, 3, 2).Loss, "K = 2: want an integer from 3 to"},
		{mmck(1, 0, 2).L, "C = 0: want an integer from 1 to"},
		{mmck(1, 0, 2).Lq, "C = 0: want"},
		{mmck(1, 0, 2).WaitMean, "C = 0: want"},
		{at(mmck(1, 1, 2).WaitTail, inf), "t = +Inf: want"},
		{at(mmck(1, 1, 2).WaitQuantile, -0.1), "q = -0.1: want"},
		{queueing.ErlangA{Lambda: 1, Mu: 1, Theta: -2, C: 1, K: 1}.Abandon, "Theta = -2: want"},
		{queueing.ErlangA{Lambda: 1, Mu: 1, C: 1}.WaitMean, "K = 0: want"},
		{queueing.ErlangA{Lambda: 1, Mu: 1, C: 1}.Loss, "K = 0: want"},
		{md1(1).WaitMean, "Lambda·D = 1: want a load below 1"},
		{at(md1(1.5).WaitCDF, 1), "Lambda·D = 1.5: want a load below 1"},
		{at(md1(0.5).WaitTail, -1), "t = -1: want"},
		{at(md1(0.5).WaitQuantile, 2), "q = 2: want"},
		{queueing.MD1{Lambda: 1}.WaitMean, "D = 0: want"},
		{md1k(1, 0).Loss, "K = 0: want"},
		{queueing.FixedBatchM1{Lambda: 1, Mu: 8, Size: 8}.L, "Lambda·Size/Mu = 1: want a load"},
		{queueing.FixedBatchM1{Lambda: 1, Mu: 8}.SojournMean, "Size = 0: want"},
		{queueing.GeoBatchM1{Lambda: 1, Mu: 1, P: 1}.L, "Lambda/(P·Mu) = 1: want a load"},
		{queueing.GeoBatchM1{Lambda: 1, Mu: 1, P: 0}.SojournMean, "P = 0: want a number from 1e-9"},
		{at(queueing.GeoBatchM1{Lambda: 1, Mu: 2, P: nan}.SojournTail, 1), "P = NaN: want"},
		{at(queueing.GeoBatchM1{Lambda: 1, Mu: 2, P: 1}.SojournQuantile, 1), "q = 1: want"},
		{batch(1), "len(Batch) = 0: want an integer from 1"},
		{batch(1, 0.5, nan), "Batch[1] = NaN: want a probability"},
		{batch(1, 0.5, -0.5, 1), "Batch[1] = -0.5: want a probability"},
		{batch(1, 0.5, 0.4), "the sum of Batch = 0.9: want 1 within 1e-9"},
		{batch(1_000_000, wide...), "K·len(Batch) = 1e+10: want at most 1e9"},
		{flush(1, 0).Loss, "Q = 0: want"},
		{flush(1, 0).L, "Q = 0: want"},
		{patience(1, -1).Timeout, "Tau = -1: want a number"},
	} {
		got, err := tt.got()
		if assert.ErrorIs(t, err, queueing.ErrRange, tt.want) {
			assert.Contains(t, err.Error(), "queueing: out of range: "+tt.want)
		}
		assert.Zero(t, got, "beside the error %q", tt.want)
	}
}

func TestErrors_AreReportedAllAtOnce(t *testing.T) {
	_, err := queueing.MM1K{Lambda: -1, Mu: math.NaN()}.WaitTail(-3)
	require.ErrorIs(t, err, queueing.ErrRange)
	for _, want := range []string{"Lambda = -1", "Mu = NaN", "K = 0", "t = -3"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestStates_OutOfRangeAreNone(t *testing.T) {
	for _, states := range []func() ([]float64, error){
		queueing.MM1K{}.States, queueing.MMcK{}.States, queueing.ErlangA{}.States,
		queueing.BatchM1K{}.States, queueing.FlushM1{}.States,
	} {
		got, err := states()
		assert.ErrorIs(t, err, queueing.ErrRange)
		assert.Nil(t, got)
	}
	_, err := queueing.FixedBatch(0)
	assert.ErrorIs(t, err, queueing.ErrRange)
}
