// Package stream brings what a watcher gets to a client over a connection, with heartbeats,
// deadlines and an end that says why.
//
// # Contract
//
// Order: the frames of the list come first, then the events in the order of the engine. After a
// resync the new list's frames stand where the list was delivered.
//
// Slow clients: a Session takes up to Config.Outbox events ahead of the connection, and as many
// again are being written. Beyond that it takes less than it is offered, so that the rest waits in
// the subscription's backlog under its own policy. Nothing is dropped here.
//
// Encoding: events and lists are encoded by Next, on the driver's goroutine, never on a shard. With
// a Cache in its payload an event is encoded once, however many connections take it.
//
// Telling: Config.Sent hears of every event once its frame is in the connection's hands, never of
// one that counts as unsent, and not of lists.
//
// Heartbeats: a ping is due every Config.Heartbeat, whatever else is written, until the client has
// sent a ping of its own. It doesn't wait for silence: a client answers pings only, and one that
// is busy receiving must not run into the read deadline. With Config.OneWay, for clients that can't
// answer, it does wait for silence: a ping is due when nothing was written for a Heartbeat.
//
// Deadlines: a write that takes longer than WriteTimeout ends the session with ErrWriteTimeout. A
// client that sends neither ping nor pong for ReadTimeout ends it with ErrReadTimeout, unless it is
// OneWay. Data from the client is ignored, and more than ReadLimit bytes of it ends the session
// with ErrTooBig.
//
// Ends: a session ends once, with the reason that came first, and ends its subscription with the
// same reason. When the engine ends the subscription, what was taken from it is written first. When
// the connection or the driver ends the session, nothing is written any more; Unsent says how many
// events that cost. CloseCode gives the code and the words that a client is told.
//
// Lateness: drivers look up to 64 times in a heartbeat whose time has come, all at the same times,
// so that an idle process is woken seldom and sends many pings then. A ping, and the end of a
// ReadTimeout, comes up to a 64th of the shorter of both late. That doesn't add up: pings are a
// heartbeat apart. Events and WriteTimeout don't wait for a look.
//
// # Passive core, goroutine shell
//
// A Session has no goroutine and no clock. A driver asks Next what is to be done, does that, and
// asks again. There are two, with the same promises. Package ws has connections.
//
// Serve drives one connection: it writes on its caller's goroutine, has another one read, and
// returns after both have ended.
//
// A Pool drives many. Pool.Serve reads on its caller's goroutine, and so does nothing but wait
// while the client is silent; all else is done by the pool's workers, one for each CPU.
//
//   - A session is woken, never polled: a wake-up puts it at the end of a line, once, and a worker
//     that takes it out of there is the only one that drives it until it has nothing to do. Those
//     whose time has come have a line of their own, served by turns with that of the others, so
//     that many pings hold no event up.
//   - A worker waits for no client. What a connection doesn't take at once, a list, and a close get
//     a goroutine of their own for that one step, after which the session goes back to the line. A
//     connection that isn't a TryConn gets one for every write. There is at most one for each
//     session; no other bound is set, for what they wait for is not the pool's.
//   - One timer serves all sessions. An event doesn't touch it.
//   - A reader for each connection remains, because a goroutine that reads is the only way in which
//     Go's network poller tells that there is something to read.
//   - NewPool starts nothing. Run owns the goroutines. When its ctx ends, or with Close, it ends
//     all sessions with the cause, and returns after the last connection is closed and the last
//     call of Pool.Serve is about to return. Those that come later end at once.
package stream
