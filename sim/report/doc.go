// Package report turns result documents into something to read. Every figure it shows is in the
// documents; it measures nothing, and the same documents give the same bytes.
//
// [Read] reads a document and refuses what this version can't show. [Formats] lists the forms of a
// report, and [Find] gives one by its name. Every form writes all or nothing: the error is that of
// the writer, or of a histogram that can't be read, by its name in the document.
//
//   - text and markdown are tables for people, html is one page with drawings that needs nothing
//     else: no network, no other file, and its script only to show values under the pointer. It
//     draws at most twelve runs of a document, and says which it leaves out.
//   - json holds one [Record] per configuration, without the histograms: the document itself is
//     what a program reads that wants these. csv is for spreadsheets: a row per configuration, with
//     two columns per objective; csv-stages has a row per stage of each.
//   - hgrm is the percentile distribution of the propagation, as HdrHistogram's plotters read it;
//     hlog is every latency histogram in the format of its logs, version 1.3, one tag each.
//   - bench is Go's benchmark format (golang.org/design/14313-benchmark-format), for benchstat.
//   - junit is the XML that CI systems show: a suite per document, a case per configuration.
//
// [Recommend] says which of the configurations that were run it would take, and why.
package report
