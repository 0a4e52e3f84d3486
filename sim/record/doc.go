// Package record watches a service registry and writes what happens there as a trace.
//
//	r, err := record.New(record.Config{
//		URL:    "http://127.0.0.1:30100",
//		Create: func() (record.Output, error) { return trace.Create("my.ndjson.gz") },
//	})
//	err = r.Run(ctx) // until ctx ends
//	fmt.Println(r.Stats().Changes)
//
// # Contract
//
// What it needs: a registry that speaks version 4 of service-center's interface, over HTTP and
// WebSocket. It registers itself there as the consumer ServiceName of application AppName, with a
// dependency on every service of each environment that there is then, watches as such, and deletes
// itself in the end. A registry tells a consumer nothing about services that it may not see, and
// nothing about environments that came after it connected.
//
// What is written: each change with the time at which it came here, as soon as it does; gzip's part
// of it within a second. Instances that were there before aren't: they are in a dump. What
// concerns the recorder itself is left out.
//
// Cuts: a connection that ends, or that answers no ping, is made anew, at first after
// Config.Backoff, then after twice as long each time, up to half a minute. What was missed is a gap
// in the trace. A registry that lost events for the recorder says so by an UPDATE of all
// instances, which the trace then has.
//
// The begin is different: if it can't connect the first time, Run returns that error and creates
// nothing.
//
// Shutdown: New starts nothing. Run owns every goroutine and returns nil after ctx has ended, the
// file is closed, and the registry has been told: so it waits for the answer to its registration,
// which it needs for that. Where the registry is not to be reached within the timeout the
// recorder's service stays there; Stats.Left says why.
package record
