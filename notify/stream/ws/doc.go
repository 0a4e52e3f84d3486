// Package ws serves watchers over WebSocket, as service-center's clients speak it.
//
// # Contract
//
// One watcher, one connection: Handler upgrades a request and serves the session that Config.Open
// opens for it. The package doesn't know what is watched.
//
// Frames: one text frame per list entry or event, and no other text once the watcher is open. All
// that is there to send goes out in one write. Messages are not compressed.
//
// No watcher: when Open returns an error, the client gets its text in one text frame, and then the
// connection is closed with 1008.
//
// From the client: pings are answered, a close is echoed. A message of more bytes than the
// session's read limit closes the connection with 1009. Smaller ones are ignored.
//
// Deadlines are the session's. A closing handshake that the client doesn't answer is given up after
// five seconds.
//
// Off by default, and before the upgrade: authentication (401), the policy on origins (403), and
// the limit of connections (503).
//
// Slow clients: the system holds Config.SendBuffer bytes for one; what comes then waits in the
// session, and behind that in the subscription's backlog, under its policy.
//
// Drivers: a stream.Pool. Compared with Config.PerConn, an event then costs a fifth less CPU time
// and an idle watcher about half the memory. What a socket doesn't take at once, a goroutine
// writes. Connections without a socket of their own, as those of TLS, take one for every write.
//
// Panics: one in Open is the server's to handle, and cuts the connection; one in a lister ends that
// session alone, with a *notify.PanicError for Ended.
//
// Shutdown: an http.Server forgets connections that were upgraded. They end with the engine, or
// with Handler.Close, which returns after the last.
package ws
