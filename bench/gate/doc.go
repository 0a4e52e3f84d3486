// Package gate answers whether a commit made it worse, with a known rate of false alarms and a
// known power, also on a machine that others use, too.
//
// # Four tiers
//
//   - Exact: fixed scenarios in virtual time, which are functions of their input. Each result is
//     compared with the one that is kept, field by field, and any difference fails. What describes
//     a machine isn't in it, and the scenarios use nothing that differs between architectures.
//   - Counted: allocations, units of work, goroutines, bytes. The first three have no tolerance,
//     bytes have 2 %, in either direction: a figure that got better has to be kept, too, or the
//     next commit could lose it unnoticed. Of several rounds the least counts, for what the
//     runtime does besides can only add.
//   - Timed: two test binaries, base and head, run in turns on one machine: base, head, head, base
//     is one pair, so that a steady drift of the machine cancels. The figure is the median over
//     the pairs of the logarithm of head's time by base's.
//   - History: one line per accepted run. It shows change points, and never blocks.
//
// # What the timed tier says
//
// An interval is a bootstrap 95 % interval of the median, from a fixed seed. First base runs
// against itself (A/A). If an interval of that is wider than the threshold, to each side of its
// middle, then what is to be told can't be: the machine is too noisy, and the verdict is Invalid,
// never Passed or Failed. Then base runs against head; metrics whose whole interval is above zero
// are suspect, and with any of these it does so once more. There the suspects share the 5 % by
// Holm's method, which keeps the false alarms of all together below half of that, for what is
// slower, and far below with the first measurement before it.
//
//   - Failed: the whole interval lies beyond the threshold (25 % on a shared machine, 5 % on a
//     dedicated one), both times. This is the only one that blocks.
//   - Slower: the whole interval lies above zero, both times: slower for sure, grossly or not.
//   - Passed: neither. Faster is said as well, without a confirmation, and blocks nothing.
//
// So with a threshold of 25 % a slowdown of 30 % is found, and said, but hardly ever known to be
// beyond 25 %: what blocks with certainty is larger. Tests measure the rates under several kinds
// of noise; the README has the table.
//
// # No data never passes
//
// A metric or a benchmark that the base has and the head lacks fails. So do a kept scenario that is
// no longer run, and a scenario that nothing is kept for. Too few pairs are Invalid, and so is a
// tier without a single line. What only the head has can't be compared by time and is called new.
//
// Measuring runs programs and takes contexts and times; all judgement is in functions of values.
package gate
