package server

import (
	"errors"
	"maps"
	"net/http"
	"sync"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// Stats is what a server can say about itself.
type Stats struct {
	Requests    map[int]uint64               // by status; 101 is the begin of a watcher
	Connections map[string]int               // watchers now, by transport
	Ended       map[string]map[string]uint64 // watchers, by transport and reason
	Hub         registry.HubStats            // of all changes, whoever made them
	Events      notify.Stats                 // of instance events
	Synthetic   uint64                       // changes that the server made
	Lag         Latency                      // of those, from when they were due
	Sent        Latency                      // of frames, from when their event was due
}

// Stats gives the figures since New.
func (s *Server) Stats() Stats {
	lag, _ := s.keeper.lag.all()
	sent, _ := s.sent.all()
	return Stats{
		Requests: s.requests.counts(), Connections: s.connections(), Ended: s.ends.counts(),
		Hub: s.hub.Stats(), Events: s.engine.Stats(registry.InstanceEvents),
		Synthetic: s.keeper.changes.Load(), Lag: summary(lag), Sent: summary(sent),
	}
}

// Interval gives the latency of what was sent since the last call.
func (s *Server) Interval() Latency { return s.sent.interval() }

// The transports, as they are called in Stats and metrics.
const (
	transportWS   = "websocket"
	transportGRPC = "grpc"
)

func (s *Server) connections() map[string]int {
	n := map[string]int{transportWS: s.rest.Watchers()}
	if s.streams != nil {
		n[transportGRPC] = s.streams.service.Conns()
	}
	return n
}

// reasons are the names of ends. What isn't here is "other".
var reasons = []struct {
	err  error
	name string
}{
	{stream.ErrLeft, "client left"}, {stream.ErrVanished, "client vanished"},
	{stream.ErrReadTimeout, "read timeout"}, {stream.ErrWriteTimeout, "write timeout"},
	{stream.ErrWrite, "write failed"}, {stream.ErrTooBig, "message too big"},
	{stream.ErrEncode, "encoding failed"},
	{watch.ErrListTimeout, "list timeout"},
	{notify.ErrSlow, "too slow"}, {notify.ErrClosed, "server closed"},
}

func reasonName(reason error) string {
	for _, r := range reasons {
		if errors.Is(reason, r.err) {
			return r.name
		}
	}
	var closed *stream.CloseError
	if errors.As(reason, &closed) {
		return closed.Text // ours: there are few
	}
	return "other"
}

// ends counts the ends of watchers. They are rare next to events, so a lock does.
type ends struct {
	mu sync.Mutex
	by map[string]map[string]uint64
}

func (e *ends) count(transport string, reason error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.by == nil {
		e.by = map[string]map[string]uint64{}
	}
	if e.by[transport] == nil {
		e.by[transport] = map[string]uint64{}
	}
	e.by[transport][reasonName(reason)]++
}

func (e *ends) counts() map[string]map[string]uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	by := map[string]map[string]uint64{}
	for transport, n := range e.by {
		by[transport] = maps.Clone(n)
	}
	return by
}

// requests counts answers by their status.
type requests struct {
	mu sync.Mutex
	by map[int]uint64
}

func (q *requests) counts() map[int]uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return maps.Clone(q.by)
}

// counted is h with its answers counted. A watcher counts when it is connected, not when it ends:
// its handler returns then.
func (q *requests) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &answer{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(answer, r)
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.by == nil {
			q.by = map[int]uint64{}
		}
		q.by[answer.status]++
	})
}

// answer remembers the status.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets a connection be taken over.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
