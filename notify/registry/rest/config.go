package rest

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// What a zero field of a Config means. They are far beyond what clients of good will need, and
// below what takes the memory of a usual machine.
const (
	DefaultBodyBytesMax   = 2 << 20
	DefaultWatchersMax    = 100_000
	DefaultSchemaBytesMax = 64 << 20
	DefaultServicesMax    = 1_000_000
	DefaultInstancesMax   = 100_000
)

// Config says what a Handler serves. Hub and Engine are required.
type Config struct {
	Hub    *registry.Hub
	Engine *notify.Engine // the one that Hub publishes through; it has the type InstanceEvents

	Watch  watch.Config  // of all watchers: backlog, overflow policy, resync
	Stream stream.Config // of all watchers; Encode and EncodeList are set here
	Alarms *alarm.Board  // what the admin sees and clears; nil: there are none
	// Ended hears the reason of every watcher's end, for counting; may be nil.
	Ended func(reason error)

	Version string // that the server tells; "" means 0.0.0
	// Clock is that of timestamps, of heartbeats of instances and of when events were due; nil
	// means clock.Real. The deadlines of connections are those of the system, so that of watchers
	// is another: Stream.Clock.
	Clock clock.Clock

	BodyBytesMax   int // of one request; 0 means 2 MiB
	WatchersMax    int // connected at once; 0 means 100 000
	SchemaBytesMax int // kept, of all services together; 0 means 64 MiB

	// These bound what clients register. What comes to the registry by another way isn't refused,
	// but counts.
	ServicesMax  int // of all tenants together; 0 means 1 000 000
	InstancesMax int // of one service; 0 means 100 000
}

// Validate reports everything that is wrong with c; the errors wrap notify.ErrInvalid.
func (c *Config) Validate() error {
	var errs []error
	bad := func(field string, got any, want string) {
		errs = append(errs,
			fmt.Errorf("%w: rest: %s = %v: want %s", notify.ErrInvalid, field, got, want))
	}
	if c.Hub == nil {
		bad("Hub", nil, "a hub")
	}
	if c.Engine == nil {
		bad("Engine", nil, "the engine of the hub")
	}
	for field, n := range map[string]int{
		"BodyBytesMax": c.BodyBytesMax, "WatchersMax": c.WatchersMax,
		"SchemaBytesMax": c.SchemaBytesMax, "ServicesMax": c.ServicesMax,
		"InstancesMax": c.InstancesMax,
	} {
		if n < 0 {
			bad(field, n, "0 (the default) or more")
		}
	}
	if err := c.Watch.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("rest: Watch: %w", err))
	}
	streams := c.Stream
	streams.Encode = encodeEvent // it is required there, and ours here
	if err := streams.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("rest: Stream: %w", err))
	}
	return errors.Join(errs...)
}

// A connection costs memory as long as it lasts, so no client may hold one by sending or reading a
// byte now and then.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = time.Minute     // a dump of a large registry takes a while
	idleTimeout       = 2 * time.Minute // clients pull every 30 s, and keep their connection so
	headerBytesMax    = 64 << 10
)

// NewServer makes a server for h with limits that no client of good will meets. They end with the
// upgrade of a connection: from then on it has the deadlines of its stream.
// Shut the server down first, then Close the Handler, which has the watchers.
func NewServer(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytesMax,
	}
}
