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
// Heartbeats: a ping is due every Config.Heartbeat, whatever else is written, until the client has
// sent a ping of its own. It doesn't wait for silence: a client answers pings only, and one that
// is busy receiving must not run into the read deadline.
//
// Deadlines: a write that takes longer than WriteTimeout ends the session with ErrWriteTimeout. A
// client that sends neither ping nor pong for ReadTimeout ends it with ErrReadTimeout. Data from
// the client is ignored, and more than ReadLimit bytes of it ends the session with ErrTooBig.
//
// Ends: a session ends once, with the reason that came first, and ends its subscription with the
// same reason. When the engine ends the subscription, what was taken from it is written first. When
// the connection or the driver ends the session, nothing is written any more; Unsent says how many
// events that cost. CloseCode gives the code and the words that a client is told.
//
// # Passive core, goroutine shell
//
// A Session has no goroutine and no clock. A driver asks Next what is to be done, does that, and
// asks again. Serve is such a driver, for one connection: it writes on its caller's goroutine, has
// another one read, and returns after both have ended. Package ws has the connections.
package stream
