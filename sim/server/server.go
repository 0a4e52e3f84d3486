package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/registry/rest"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
	"github.com/notifylab/notifylab/sim"
)

// Server is a world behind the interfaces of a registry. Make it with New, and Run it once.
type Server struct {
	c       Config
	world   *sim.World
	engine  *notify.Engine
	hub     *registry.Hub
	board   *alarm.Board
	monitor *alarm.Monitor
	rest    *rest.Handler
	web     *http.Server
	streams *streams // nil without gRPC
	keeper  *keeper

	requests requests
	ends     ends
	sent     latencies
}

// New builds the world and starts nothing. The errors are those of Config.Validate. The listeners
// stay the caller's until Run.
func New(c Config) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	s := &Server{c: c}
	var err error
	if s.world, err = c.Topology.Build(0, c.Providers); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	preset := watch.Presets()[0].Effective()
	if err := s.newEngine(preset.Type); err != nil {
		return nil, err
	}
	if err := s.newFaces(preset.Watch); err != nil {
		return nil, err
	}
	s.keeper = newKeeper(&c, s.world, s.hub)
	return s, nil
}

// newEngine makes the engine, and what watches over it and publishes through it. The monitor comes
// first, for it is the engine's observer, and the board before anything can be raised.
func (s *Server) newEngine(instances notify.TypeConfig) (err error) {
	types := map[notify.Type]notify.TypeConfig{
		registry.InstanceEvents: instances, alarm.Events: alarm.TypeConfig(),
	}
	s.monitor, err = alarm.NewMonitor(alarm.Config{
		Types: types, Clock: s.c.Clock,
		ListFailed: func(reason error) bool { return errors.Is(reason, watch.ErrListTimeout) },
	})
	if err != nil {
		return err
	}
	s.engine, err = notify.New(notify.Config{
		Types: types, Observer: s.monitor, Blocked: s.monitor.Blocked, Clock: s.c.Clock,
	})
	if err != nil {
		return err
	}
	if s.board, err = alarm.Open(s.engine); err != nil {
		return err
	}
	s.hub, err = registry.NewHub(s.world.Registry, s.engine, registry.HubConfig{
		Leases: &registry.LeaseConfig{}, Clock: s.c.Clock, Deleted: s.deleted,
	})
	return err
}

// newFaces makes what clients talk to. One path is not the registry's; a ServeMux in front of it
// would redirect what the registry wants to refuse.
func (s *Server) newFaces(watching watch.Config) (err error) {
	streaming := stream.Config{Clock: s.c.Clock, Sent: s.told}
	s.rest, err = rest.New(rest.Config{
		Hub: s.hub, Engine: s.engine, Alarms: s.board, Clock: s.c.Clock, Version: s.c.Version,
		Watch: watching, Stream: streaming,
		Ended: func(reason error) { s.ends.count(transportWS, reason) },
	})
	if err != nil {
		return err
	}
	metrics := newMetrics(s)
	s.web = rest.NewServer("", s.requests.counted(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/metrics" {
				metrics.ServeHTTP(w, r)
			} else {
				s.rest.ServeHTTP(w, r)
			}
		})))
	if s.c.GRPC != nil {
		s.streams, err = newStreams(s, watching, streaming)
	}
	return err
}

// told records the latency of a frame that was written. It is called by whoever writes to a
// connection, many at a time.
func (s *Server) told(ev *notify.Event, now time.Time) { s.sent.record(now.Sub(ev.Due)) }

// deleted sends away those who watch as a service that was deleted.
func (s *Server) deleted(serviceID string) {
	s.rest.ServiceDeleted(serviceID)
	if s.streams != nil {
		s.streams.deleted(serviceID)
	}
}

// Addr is where HTTP is served.
func (s *Server) Addr() net.Addr { return s.c.Listener.Addr() }

// World says in one line what is served.
func (s *Server) World() string {
	return fmt.Sprintf("%s: %d services, %d instances, %d dependencies",
		cmp.Or(strings.TrimSpace(s.c.Topology.Name), "a world"), len(s.world.Registry.Services()),
		s.world.Instances, s.world.Edges)
}

// Run serves until ctx ends, and then returns nil. Its errors are those of the listeners. It is
// called once.
func (s *Server) Run(ctx context.Context) error {
	// The engine outlives all others: of a change that it doesn't take nobody hears, and one that
	// waits for room in its queue would do so for ever.
	engineCtx, stopEngine := context.WithCancel(context.Background())
	defer stopEngine()
	engineEnded := make(chan error, 1)
	go func() { engineEnded <- s.engine.Run(engineCtx) }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.hub.Run(ctx) })
	g.Go(func() error { return s.monitor.Run(ctx, s.engine) })
	g.Go(func() error { return s.keep(ctx) })
	g.Go(func() error {
		if err := s.web.Serve(s.c.Listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("server: HTTP: %w", err)
		}
		return nil
	})
	if s.streams != nil {
		g.Go(func() error { return s.streams.serve(s.c.GRPC) })
	}
	g.Go(func() error {
		<-ctx.Done() // also when one of the others fails
		s.stop()
		return nil
	})
	err := g.Wait()
	stopEngine()
	return errors.Join(err, <-engineEnded)
}

// patience is how long requests under way may take when the server stops.
const patience = 5 * time.Second

// stop ends what clients talk to: first those who may still come, then the streams.
func (s *Server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s.web.Shutdown(ctx) != nil {
		_ = s.web.Close() // who is still there has had the time
	}
	if s.streams != nil {
		s.streams.stop()
	}
	s.rest.Close()
}

// keep drives the keeper. What is late is done at once and not one per turn of the timer, and the
// end is looked for between two changes, for there may be more of them than can be made.
func (s *Server) keep(ctx context.Context) error {
	s.keeper.begin(s.c.Clock.Now())
	timer := s.c.Clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C():
		}
		for now := s.c.Clock.Now(); !now.Before(s.keeper.next()); now = s.c.Clock.Now() {
			if ctx.Err() != nil {
				return nil
			}
			if err := s.keeper.act(now); err != nil {
				return fmt.Errorf("server: change the world: %w", err)
			}
		}
		timer.Reset(s.keeper.next().Sub(s.c.Clock.Now()))
	}
}
