// Package capacity answers questions about many loads with many runs: what a field does ([Sweep]),
// how much a configuration carries ([Finder]), and which configuration to use ([Adviser]).
//
// A [Base] is the load and the configuration that all runs begin with; a [Job] is one run, with
// what was set for it; a [Lab] runs jobs, on as many cores as there are. What comes out doesn't
// depend on how many: in virtual time a run is a function of its job, jobs are numbered before
// they run, and no decision looks at which one ended first. The answers are the types of a
// sim.Document, whose Runs hold every run that was made for them, but those that were too short to
// judge and those that were interrupted.
//
// # When a run meets its objectives
//
// When none of Scenario.SLOs failed and the run itself didn't, which it does when a check is
// broken or views don't become right again. A run that is invalid, for too few samples mostly, is
// neither: a search runs it again with a longer Duration, by as much as the samples that are
// lacking, and gives up with [ErrSamples] beyond 64 times. Stages, storms and faults are not
// repeated in it.
//
// # The limit, and how sure it is
//
// For each seed alone the load grows from a start by doubling until objectives fail, then the
// bracket is halved (on the scale of logarithms) until both its ends are within the tolerance. The
// first seed is searched with the scenario's Duration, which says where to look; then all of them
// with twice that, from there on. The least of their limits is then tried with fresh seeds, which
// had no part in the search, again for twice the Duration. While one of these fails it is lowered
// by the tolerance; so the limit is the largest load that was tried and met the objectives with
// every seed of both kinds.
//
// This takes for granted that more load never makes things better. Where it does, as with
// objectives that a few slow consumers decide, the limit is one of several places where objectives
// begin to fail. The reason says so if something below the limit failed.
//
// The interval is not for that, but for the limit of a typical seed: the median of the limits that
// all seeds have. It is from the k-th least load of n seeds that met the objectives to the k-th
// largest that didn't. Whatever the distribution, the median is between the k-th smallest and the
// k-th largest of n independent samples unless fewer than k of them are on one side of it, which
// has the probability that fewer than k of n coins show heads, or tails. k is the largest for which
// 95 % are left: 1 for six seeds, the fewest, with 96.9 %; 2 for nine and 6 for twenty. So more
// seeds narrow it, while they can only lower the limit, which may be below it. Source: David and
// Nagaraja, Order Statistics, 3rd ed., section 7.1. Taking the ends of the brackets makes it wider
// by what the tolerance leaves open.
//
// # What is recommended
//
// For each policy the smallest watcher queue is sought first, with an ample task queue, for there
// are thousands of watcher queues; then the smallest task queue. Both are powers of two. Watcher
// queues are tried one after the other, from 1 on, for larger ones can be worse: what waits in
// them comes late. The task queue is found by bisection. Of both a queue twice as large is tried,
// too; if that fails, larger is not better here, and the answer says so. A candidate must meet the
// objectives with every seed, at the scenario's load with headroom: the rates of changes and the
// sizes of storms and bursts are multiplied, the number of consumers is not. What can't be judged
// in a run of eight times the duration counts as failed. Of the candidates that do, and whose full
// queues take at most a tenth more memory than the least, the one with the least staleness is
// chosen.
//
// The seeds that it was chosen by speak for it, so it is run with fresh ones. If any fails, the
// next candidate is chosen and run with them, until one passes with all n. Then another seed passes
// with probability p or more, where p^n = 5 %: the lower bound of Clopper and Pearson (Biometrika
// 26, 1934) at 95 %, one-sided; 86 % for twenty. The m-th candidate to be tried has 5 %/m in its
// place, as Bonferroni has it, for m tries have m chances of luck.
//
// # Memory
//
// [QueueMemory] says what queues take when all are full; how is told there.
package capacity
