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
// with twice that, from there on. The limit is the largest load that then met the objectives with
// every seed, again for twice the Duration; it is lowered by the tolerance until it does.
//
// This takes for granted that more load never makes things better. Where it does, as with
// objectives that a few slow consumers decide, the limit is one of several places where objectives
// begin to fail. The reason says so if something below the limit failed.
//
// The interval is for the median of the limits that seeds have: from the least load that met the
// objectives to the largest that didn't, over all n seeds. Whatever the distribution, the median
// is between the smallest and the largest of n independent samples with probability 1−2^(1−n), for
// only n samples on the same side of it are not: 96.9 % for six seeds, the fewest that give 95 %.
// Source: David and Nagaraja, Order Statistics, 3rd ed., section 7.1. Taking the ends of the
// brackets makes it wider by what the tolerance leaves open.
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
// After n of n seeds passed, another one passes with probability p or more, where p^n = 5 %: the
// lower bound of Clopper and Pearson (Biometrika 26, 1934) at 95 %, one-sided. The seeds were also
// used to choose, which makes it a little better than it is.
//
// # Memory
//
// [QueueMemory] says what queues take when all are full; how is told there.
package capacity
