// Package gate answers whether a commit made it worse, with a known rate of false alarms and a
// known power, also on a machine that others use, too.
//
// # Four tiers
//
//   - Exact: fixed scenarios in virtual time, which are functions of their input. Each result is
//     compared with the one that is kept, field by field, and any difference fails. What describes
//     a machine isn't in it, and the scenarios use nothing that differs between architectures.
//   - Counted: allocations, units of work, goroutines, bytes. The first three have no tolerance,
//     bytes have 2 %. What is worse fails. What is better passes, for nobody expects to be stopped
//     by an improvement; it is called so until it is kept, for up to then it can be lost unnoticed.
//     Of several rounds the least counts, for what the runtime does besides can only add.
//   - Timed: two test binaries, base and head, run in turns on one machine: base, head, head, base
//     is one pair, so that a steady drift of the machine cancels. The figure is a mean over the
//     pairs of the logarithm of head's time by base's.
//   - History: one line per accepted run. It shows change points, and never blocks.
//
// # What the timed tier says
//
// The mean is trimmed: a fifth of the pairs is left out at each end, so that two bad ones of ten
// don't move it, and make nothing look slower; they make its interval longer. That is a 95 %
// bootstrap interval from a fixed seed; at ten pairs it holds the truth in 94 of 100 cases. A
// median in its place needs a quarter more pairs for the same power.
//
// First base runs against itself (A/A). If an interval of that reaches further than the threshold
// to each side of its middle, then the threshold can't be told from nothing: the machine is too
// noisy, and the verdict is Invalid, never Passed or Failed. Then base runs against head, and what
// is slower is suspect. With any suspect it does so once more, for these alone. Both times the
// metrics share the 5 % by Holm's method, half of it being for what is faster. So all metrics
// together give a false alarm in one or two of a thousand gates, however many they are, for it
// takes two of them.
//
//   - Failed: the whole interval lies beyond the threshold (25 % on a shared machine, 5 % on a
//     dedicated one), both times. This is the only one that blocks.
//   - Slower: the whole interval lies above zero, both times: slower for sure, grossly or not.
//   - Passed: neither. Faster is said as well, without a confirmation, and blocks nothing.
//
// # What it can't say
//
// A slowdown of 30 % is found, and said. That it is beyond 25 % is hardly ever known, by no fault
// of the rule. With a noise of σ in a run, n pairs give a mean with a standard error of
//
//	s = σ / √(0.88·n)
//
// where 0.88 is the efficiency of the trimmed mean under normal noise. The interval begins about
// 2.5·s below the mean, and in 97.5 of 100 measurements the mean is not more than 2·s below the
// truth. So what is slower by a share x blocks in 95 of 100 gates, which is 97.5 of 100 in both
// measurements, from
//
//	log(1+x) = log(1+threshold) + 4.5·s
//
// on. With σ = 15 % and ten pairs s is 0.05, and that is 56 % (with so few pairs the intervals
// differ in length, and it is 60 %); to block 30 % as surely takes 330 pairs. With σ = 3 % and
// sixteen pairs s is 0.008, and beyond a threshold of 5 % that is 9 %. What is said, but doesn't
// block, needs no threshold: it is said from 4.5·s on, which is 26 % and 4 %. Tests measure these
// rates under several kinds of noise; the README has the table.
//
// # No data never passes
//
// A metric or a benchmark that the base has and the head lacks fails. So do a kept scenario that is
// no longer run, a scenario that nothing is kept for, and a count that is no number. Too few pairs
// are Invalid, and so is a tier without a single line. What only the head has can't be compared by
// time and is called new; with nothing else the tier is Invalid.
//
// Measuring runs programs and takes contexts and times; all judgement is in functions of values.
package gate
