// Package compare lays the results of two sides, A and B, beside each other: per configuration and
// metric both values, the change from A to B, an interval for it, and whether there is one at all.
//
// [Read] reads a document and refuses what can't be used, with the field. [Compare] refuses sides
// that didn't run the same scenario, with what differs, unless it is told to go on. Runs belong
// together that have one configuration and the same settings of their own, as those of a sweep;
// their seeds, be they in one document or in several, are its samples. Stages have figures of their
// own where all runs have the same ones.
//
// Nothing is dropped: a configuration of one side only is listed as such, a metric that isn't there
// says so, and so does one that can't be tested. Only what neither side can have, such as the finds
// of runs without pulls, is left out, and the steps of two searches that only one of them made. The
// result is a plain struct; [Text], [Markdown] and [HTML] write it.
//
// # What counts as a change
//
// In virtual time with the same seeds on both sides a run is a function of its input, so every
// difference is one, and what is equal is "=". Otherwise figures are noisy, and one has changed if
// the interval of its change leaves zero out; it is "~" if not, and also if nothing could be
// tested: the note says which. The samples are
//
//   - the runs, where both sides have three or more of them: Welch's t interval, which doesn't take
//     the sides to be equally noisy;
//   - the seconds of the run, where each side has one. The load has phases, and both runs went
//     through them at the same time, so the same second of A and B is a pair and only the
//     differences count. Neighbours are alike, so they are put together into up to ten batches of
//     two seconds or more, and the interval is Student's over the batches (the method of batch
//     means). Without an effect a difference is as likely up as down, which is what keeps the test
//     honest for latencies, whatever their distribution. Only the metrics named per_second can be
//     tested so, from ten seconds on.
//     Such an interval covers the noise within the two runs. What changes from one run to the next
//     (memory layout, a busy neighbour) is in neither of them: run each side three times, in turns,
//     to learn about that.
//
// Times are compared by the ratio of their geometric means, as one outlier must not decide; counts,
// and times with a zero among them, by the difference of their means. An interval is widened by
// what a figure is rounded to in a document: 0.1 % for what comes from a histogram, 1 for a count.
//
// A comparison makes many tests, so they share the 5 % of false alarms (Bonferroni): if nothing
// changed, 19 of 20 comparisons say so for all configurations and metrics together. Choosing
// metrics makes fewer tests, and finer ones.
//
// What a capacity search found has changed if the intervals of the two limits have no load in
// common; limits for different objectives are not compared.
//
// A verdict has changed if no run of A has the verdict of any of B, and so has what became of an
// objective. Runs in real time that are invalid say nothing, so they are left out, and it is said.
package compare
