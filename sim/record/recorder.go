package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim/trace"
)

// What the recorder is to the registry.
const (
	AppName     = "notifylab"
	ServiceName = "notifylab-recorder"
	version     = "0.0.1"
)

// backoffMax is the longest wait before another attempt to connect.
const backoffMax = 30 * time.Second

// ErrConfig is what the errors of New wrap.
var ErrConfig = errors.New("record: unusable configuration")

// Config says what to record. URL and Create are required.
type Config struct {
	URL     string // of the registry: http or https, host and port
	Domain  string // "": default
	Project string // "": default

	Services []string // names, or "app/name": only these; empty: all
	Create   func() (Output, error)

	Timeout   time.Duration // of a request, and of the answer to a ping; 0: 10 s
	Heartbeat time.Duration // between pings; 0: 30 s
	Backoff   time.Duration // before the first attempt to connect again; 0: 1 s
	Clock     clock.Clock   // nil: clock.Real
}

// Output is where a trace goes, such as a trace.Stream. Create makes it once there is a connection.
type Output interface {
	io.WriteCloser
	Flush() error
}

// Stats is what a recorder has done so far.
type Stats struct {
	Connected  bool          // now
	Known      int           // services in the registry when it last connected, but for its own
	Absent     []string      // of Config.Services, those that weren't there then
	Changes    uint64        // written
	Services   int           // that they are about
	Others     uint64        // of services that weren't asked for
	Unreadable uint64        // frames that weren't in the form of the wire
	Gaps       int           // written
	Missed     time.Duration // their length in all
	Left       error         // why the recorder's service is still in the registry; nil if it isn't
}

// Recorder records. Make it with New, and Run it once.
type Recorder struct {
	c      Config
	client *http.Client

	mu       sync.Mutex
	stats    Stats
	services map[trace.Service]bool
}

// New starts nothing. The error names all fields that can't be used.
func New(c Config) (*Recorder, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "",
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return nil, fmt.Errorf("%w: URL %q: want http or https with host and port, such as "+
			"http://127.0.0.1:30100", ErrConfig, c.URL)
	case c.Create == nil:
		return nil, fmt.Errorf("%w: Create nil: want a function", ErrConfig)
	case c.Timeout < 0 || c.Heartbeat < 0 || c.Backoff < 0:
		return nil, fmt.Errorf("%w: Timeout %v, Heartbeat %v, Backoff %v: want 0 or more",
			ErrConfig, c.Timeout, c.Heartbeat, c.Backoff)
	}
	if i := slices.IndexFunc(c.Services, func(s string) bool { return s == "" }); i >= 0 {
		return nil, fmt.Errorf(`%w: Services[%d] "": want a name or "app/name"`, ErrConfig, i)
	}
	c.URL = u.Scheme + "://" + u.Host
	c.Domain, c.Project = cmp.Or(c.Domain, "default"), cmp.Or(c.Project, "default")
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.Heartbeat = cmp.Or(c.Heartbeat, 30*time.Second)
	c.Backoff = cmp.Or(c.Backoff, time.Second)
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &Recorder{
		c: c, services: make(map[trace.Service]bool),
		client: &http.Client{Transport: transport, Timeout: c.Timeout},
	}, nil
}

// Stats is what was done so far. It may be called at any time.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Services = len(r.services)
	return s
}

func (r *Recorder) count(change func(*Stats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.stats)
}

// Run records until ctx ends. Its errors are that it couldn't connect the first time, and that the
// trace couldn't be written.
func (r *Recorder) Run(ctx context.Context) (err error) {
	defer r.client.CloseIdleConnections()
	conn, id, err := r.connect(ctx)
	if err != nil {
		if ctx.Err() != nil { // stopped before it began
			err = nil
		}
		return errors.Join(err, r.leave(id))
	}
	defer func() { err = errors.Join(err, r.leave(id)) }()
	out, err := r.c.Create()
	if err != nil {
		return errors.Join(fmt.Errorf("record: %w", err), conn.CloseNow())
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	begin := r.c.Clock.Now()
	w, err := trace.NewWriter(out, trace.Header{Begin: begin, Source: r.c.URL})
	if err != nil {
		return errors.Join(err, conn.CloseNow())
	}
	s := sink{r: r, to: w, out: out, begin: begin}
	for {
		cut, err := r.watch(ctx, conn, &s)
		if err != nil || ctx.Err() != nil {
			return err
		}
		conn, id = r.reconnect(ctx, id)
		if err := s.gap(cut, r.c.Clock.Now()); err != nil || conn == nil {
			if conn != nil {
				err = errors.Join(err, conn.CloseNow())
			}
			return err
		}
	}
}

// reconnect tries until it is connected, or ctx ends: then there is no connection. The id is that
// of the recorder's service.
func (r *Recorder) reconnect(ctx context.Context, id string) (*websocket.Conn, string) {
	wait := r.c.Backoff
	timer := r.c.Clock.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, id
		case <-timer.C():
		}
		conn, now, err := r.connect(ctx)
		if now != "" {
			id = now
		}
		if err == nil {
			return conn, id
		}
		wait = min(2*wait, max(backoffMax, r.c.Backoff))
		timer.Reset(wait)
	}
}
