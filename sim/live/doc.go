// Package live shows runs while they go: a page for a browser that draws what the last seconds did,
// fed by server-sent events (the text/event-stream of the HTML standard).
//
// A [Board] is what there is to show: runs with a name each, a point for every second of a run, how
// a run ended, and how all of them did. It is passive: who runs the simulator writes to it, and
// writing never waits for a reader.
//
// A [Server] shows one board. New starts nothing; Run serves until its context ends, and returns
// after its last goroutine.
//
// # What a reader gets
//
// Everything that is kept, in the order in which it was written, and then what comes. Kept are the
// runs, their ends, and of each run the points of its last ten minutes (by the run's own clock),
// about [PointsMax] in all: so memory is bounded, and a page that is loaded again has what it had.
//
// Every event has an id. A reader that comes back with the last one it saw, as browsers do by
// themselves, gets only what followed. If that id is from another board, or there is none, the
// stream begins with the event reset: what was shown before counts no longer. The event done is the
// last one; the stream ends after it, and there is nothing to come back for.
//
// A reader has no buffer here, only a place in the log: one that is slow gets more at a time. One
// that takes nothing for WriteTimeout is cut, and may come back. There are at most [ReadersMax].
//
// # Who may read
//
// The page has no secrets but is nobody else's business: it is meant for an address of this machine
// itself. There the Host of a request must be an IP address or localhost, so that no web site can
// read the page under a name of its own that points here (DNS rebinding). Nothing is ever
// loaded from elsewhere, which the Content-Security-Policy says to the browser, too.
package live
