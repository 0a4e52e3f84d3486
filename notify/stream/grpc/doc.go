// Package grpc serves watchers over gRPC, as service-center's clients speak it: the method
// proto.ServiceInstanceCtrl/watch of watch.proto, one request and a stream of responses.
//
// # Contract
//
// One watcher, one stream: a Service, registered with a *grpc.Server, serves the session that
// Config.Open opens for a request. The server must have the option Codec, and the session's
// Config must be OneWay, for nothing comes from the client after its request; another session ends
// at once. The package doesn't know what is watched.
//
// Frames: one response per list entry or event, made by EncodeFrame and sent as it is, without a
// copy for each stream. Its response, key and instance are always there, for clients read them
// unchecked, and the code is 0.
//
// Heartbeats: after each stream.Config.Heartbeat of silence a response with no action is sent,
// which clients ignore.
//
// No watcher: when Open returns an error, the client gets its text in one response of code 400,
// and then the stream ends with FailedPrecondition and the same text.
//
// Deadlines are the session's. A client that doesn't read ends its stream with ErrWriteTimeout; by
// then the transport holds at most 64 KB for it, and the message that no longer fitted. It holds
// that until the client reads, and learns the status, or the connection ends: have the server's
// keepalive find out which one it is.
//
// The end: the stream ends with its context, which is the client's doing and means ErrLeft, whether
// it said so or its connection broke: the transport tells both in the same way. All other reasons
// are told to the client, as a status.
//
//	Unavailable         the server or the engine is going away: watch again, elsewhere
//	ResourceExhausted   the client was too slow: list again, then watch again
//	FailedPrecondition  a stream.CloseError of code 1008, as when the consumer was deleted
//	Unknown             a stream.CloseError of any code that isn't in stream's table
//	Internal            anything else; what, is not told
//
// Off by default, and before Open: authentication (Unauthenticated), and the limit of streams
// (Unavailable). A stream counts from its headers on, even if its request never comes. The limits
// of a connection are the server's options.
//
// Panics: one in Open is the server's to handle; one in a lister ends that session alone, with a
// *notify.PanicError for Ended.
//
// Shutdown: streams end with the engine, with the server's Stop, or with Service.Close, which
// returns after the last. Close the service before GracefulStop, which waits for the streams.
package grpc
