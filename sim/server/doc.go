// Package server puts a synthetic world behind the interfaces of a service registry, so that real
// clients can register in it, find, and watch what changes.
//
//	listener, err := net.Listen("tcp", "127.0.0.1:30100")
//	s, err := server.New(server.Config{Listener: listener, Topology: topology, Rate: 10})
//	err = s.Run(ctx)
//
// # Contract
//
// World: Config.Topology is built and served. Its instances are the server's own: it renews their
// leases, and with a Rate it changes them. What clients register is theirs: it is never changed by
// the server, and goes when its lease runs out.
//
// Changes: they come at random times (Poisson), Rate in a second on average, whatever else happens.
// One that is late is made up for, and its events count from when it was due; Stats.Lag says how
// late the server was. A share of Churn are a deregistration or, more often when one was lost, a
// registration; all others are an UPDATE of an instance that stays UP. So the world keeps its size.
// An instance of the server that a client deregistered counts as lost.
//
// Interfaces: on Config.Listener that of package rest, and GET /metrics for Prometheus. On
// Config.GRPC, if there is one, the watcher streams of older releases (package grpc): no list at
// the begin, and after a loss the instances as UPDATE. There is no authentication, so whoever
// reaches the listeners may do everything.
//
// Latency: from the time an event was due until its frame was in the hands of the connection,
// for each frame. What the network and the client take is not in it.
//
// Metrics: they are read from the books of engine, hub and board when they are asked for, and kept
// nowhere else.
//
// Shutdown: New starts nothing. Run owns every goroutine. When its context ends the server takes no
// connections any more, tells the streams that it is going away (1001; over gRPC Unavailable), and
// returns after the last goroutine. A client that doesn't answer the close is given up after five
// seconds.
package server
