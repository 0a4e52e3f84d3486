// Package queueing has the closed forms of queueing theory that fit a notification engine. They
// serve two uses: as the oracle that the simulator is tested against, and as an instant estimate
// for whoever sizes a queue.
//
//	loss, err := queueing.MM1K{Lambda: 900, Mu: 1000, K: 257}.Loss()
//
// # Which form for which question
//
// A mailbox (or a task queue) of capacity Q drained by one consumer (or worker) with handling time
// S is a queue with K = Q + 1 places, for the one being handled counts, and with Mu = 1/E[S]. One
// publish to n members that share a worker is a batch of n arrivals.
//
//	type          system                 what is special             what it says
//	MM1K          M/M/1/K                full: the newest is dropped loss, L, wait
//	MMcK          M/M/c/K                c servers; K = C: Erlang B  loss, L, Lq, wait
//	MD1           M/D/1                  constant service, no bound  wait
//	MD1K          M/D/1/K                constant service, tail drop loss
//	FixedBatchM1  M^[b]/M/1              batches of b, no bound      L, time in system
//	GeoBatchM1    M^[Geo p]/M/1          geometric batches, no bound L, time in system
//	BatchM1K      M^[X]/M/1/K            batches: what fits enters   loss, L
//	ErlangA       M/M/c/K+M              waiting jobs lose patience  loss, abandonment, L, Lq
//	PatienceM1    M/M/1+D                gives up after waiting Tau  timeouts
//	FlushM1       M/M/1/K, flush on full full: drops the queued      loss, L
//
// A value of such a type is the parameters of one system; each method computes one figure of it
// in the steady state, from nothing but the parameters. All methods are safe for concurrent use.
//
// # Units
//
// Rates (Lambda, Mu, Theta) are per unit of time, and times (D, Tau, t, and the results called a
// wait or a time in system) are in that same unit; which unit it is doesn't matter. Losses and
// probabilities are fractions of 1, L and Lq are numbers of jobs. r stands for the offered load
// per server, such as Lambda/Mu.
//
// Wait is the time from the arrival of a job that is accepted to the start of its service, first
// come first served; time in system goes on to the end of its service. WaitTail(t) is P(wait > t);
// WaitQuantile(q) is the least t with P(wait ≤ t) ≥ q, so 0 for every q up to P(wait = 0). Poisson
// arrivals see time averages: States is what an arrival finds as well as shares of time.
//
// # Ranges and errors
//
// Rates and times lie between 1e-50 and 1e50 (t, Tau and Theta between 0 and 1e50), K between 1 and
// KMax, a quantile's q in [0, 1). A form without a bound needs r < 1; those with one take any r,
// with no gap or loss of digits at r = 1. Anything else is an error that wraps ErrRange and names
// every field at fault, what was found there and the accepted form. Without an error, a result is
// a finite number, never NaN.
//
// # Accuracy
//
// Results have about nine significant digits or more, and this holds for very small losses too:
// losses are sums of positive terms, not differences from 1. States and losses below about 1e-300
// come out as 0. A quantile is as good as if q were off by 1e-12. MD1 is the exception: its tail
// has an absolute accuracy, given there.
//
// At K = 1e6 no method takes longer than a tenth of a second, but for MD1K and BatchM1K, whose time
// is given with them.
package queueing
