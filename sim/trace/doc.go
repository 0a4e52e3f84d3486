// Package trace reads and writes recordings of what happened in a service registry: which instance
// came, changed or went, and when.
//
// # Format
//
// A trace is text, one JSON object per line (NDJSON), gzipped or not. Times are seconds since the
// begin of the trace. The first line may be a header; a trace without one has this version's form:
//
//	{"schema":"notifylab.trace/1","begin":"2026-03-01T12:00:00Z","source":"http://sc:30100"}
//	{"t":0.25,"action":"create","service":"shop/cart","version":"1.0","instance":"c"}
//	{"t":3,"action":"update","service":"shop/cart","version":"1.0","instance":"c","status":"DOWN"}
//	{"t":9.1,"gap":1.5}
//	{"t":9.2,"action":"delete","service":"shop/cart","version":"1.0","instance":"c"}
//
// A change has
//
//	t            seconds since the begin, 0 to 1e9; or instead
//	time         a date and time in RFC 3339, not before the begin
//	action       create, update, delete or expire, in either case: the registry's words
//	service      application and name with a slash between them, a name alone, or an id
//	environment  of the service; may be absent, as all that follows may
//	version      of the service
//	instance     its id; required but for expire, which is about a whole service
//	status       UP, DOWN, STARTING, TESTING or OUTOFSERVICE
//	endpoints    a list of texts
//	properties   an object of texts
//
// A gap is a time for which nobody watched: it ends at t and is that many seconds long. Other
// fields are passed over. Lines needn't be in the order of time; those of one time happen in the
// order of the file. Without a begin in the header it is the first line that has a time.
//
// # Limits
//
// A line has less than LineBytesMax bytes and a file at most LinesMax lines. What can't be used is
// an ErrTrace that names file, line, field and the accepted form; so is a schema of a higher
// number, which a newer program wrote.
//
// # Writing
//
// A Writer writes each line with one Write of its own, so that whoever stops in between leaves
// whole lines. What it has written reads back as the same, and what couldn't be it refuses.
package trace
