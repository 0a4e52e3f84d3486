package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/grpc"
	"github.com/notifylab/notifylab/notify/watch"
)

// streams are the watchers over gRPC.
type streams struct {
	s        *Server
	watching watch.Config
	config   stream.Config
	service  *grpc.Service
	server   *gogrpc.Server
	frames   frames

	mu sync.Mutex
	by map[string]map[*stream.Session]struct{} // by the service that they watch as
	as map[*stream.Session]string
}

// aliveEvery is how often a client that is silent is asked whether it is there.
const aliveEvery = 30 * time.Second

func newStreams(s *Server, watching watch.Config, streaming stream.Config) (*streams, error) {
	t := &streams{s: s, watching: watching, config: streaming,
		by: map[string]map[*stream.Session]struct{}{}, as: map[*stream.Session]string{}}
	t.config.OneWay = true
	t.config.Encode, t.config.EncodeList = t.frames.encode, encodeView
	var err error
	// Without a pool: these clients are few, and old.
	t.service, err = grpc.New(grpc.Config{Open: t.open, Ended: t.ended})
	if err != nil {
		return nil, err
	}
	t.server = gogrpc.NewServer(grpc.Codec(),
		// Nothing comes from a client, so without a question one that is gone would stay for ever.
		gogrpc.KeepaliveParams(keepalive.ServerParameters{Time: aliveEvery}))
	t.service.Register(t.server)
	return t, nil
}

func (t *streams) serve(l net.Listener) error {
	if err := t.server.Serve(l); err != nil && !errors.Is(err, gogrpc.ErrServerStopped) {
		return fmt.Errorf("server: gRPC: %w", err)
	}
	return nil
}

// stop ends the streams first, for the server would wait for them.
func (t *streams) stop() {
	t.service.Close()
	t.server.Stop()
}

// errNoService is told to a client, in the words of service-center.
var errNoService = errors.New("service does not exist")

// open opens a session for the service that a request names. As soon as it is subscribed it is one
// of those that deleted ends, before the last look at whether there is a service.
func (t *streams) open(_ context.Context, id, domain, project string) (*stream.Session, error) {
	r := t.s.hub.Registry()
	tenant := domain + "/" + project
	known := func() bool {
		s := r.Service(id)
		return s != nil && s.Tenant == tenant
	}
	if !known() {
		return nil, errNoService
	}
	at := watch.At{Type: registry.InstanceEvents, Subject: registry.SubjectOf(tenant), Group: id}
	// The revision is from before the subscription, so that nothing after it is taken for stale.
	list := lister(r, id, r.Revision())
	session, err := stream.Open(t.s.engine, at, list, &t.watching, &t.config, t.s.c.Clock.Now())
	if err != nil {
		return nil, err
	}
	t.add(id, session)
	if !known() { // it was deleted before there was a session to end
		session.End(errNoService)
		t.remove(session)
		return nil, errNoService
	}
	return session, nil
}

// lister has nothing to list at the begin: a stream of these releases has changes only, from the
// revision since on. After a loss it lists what the consumer sees. A session lists one at a time,
// so there is no lock.
func lister(r *registry.Registry, id string, since int64) watch.Lister {
	begun := false
	return func(context.Context) (watch.List, error) {
		if !begun {
			begun = true
			return watch.List{Revision: since}, nil
		}
		v, err := r.View(id)
		if err != nil {
			return watch.List{}, &stream.CloseError{Code: stream.CodePolicy,
				Text: errNoService.Error()}
		}
		return watch.List{Revision: v.Revision, State: v}, nil
	}
}

// encodeView makes one frame per instance. They are UPDATEs: of the CREATE of an instance that they
// know, clients make that they have it twice.
func encodeView(l watch.List) (frames [][]byte, err error) {
	view, ok := l.State.(registry.View)
	if !ok {
		return nil, nil // the one at the begin
	}
	for _, p := range view.Services {
		for _, in := range p.Instances {
			frame := registry.NewFrame(registry.Update, p.Service, in)
			frames = append(frames, grpc.EncodeFrame(frame))
		}
	}
	return frames, nil
}

func (t *streams) add(id string, s *stream.Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by[id] == nil {
		t.by[id] = map[*stream.Session]struct{}{}
	}
	t.by[id][s] = struct{}{}
	t.as[s] = id
}

func (t *streams) remove(s *stream.Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := t.as[s]
	delete(t.as, s)
	delete(t.by[id], s)
	if len(t.by[id]) == 0 {
		delete(t.by, id)
	}
}

// ended hears of the end of every session that open has made, once.
func (t *streams) ended(s *stream.Session, reason error) {
	t.remove(s)
	t.s.ends.count(transportGRPC, reason)
}

// deleted ends the streams of a service that was deleted. The sessions are ended without the lock,
// which their end takes.
func (t *streams) deleted(id string) {
	t.mu.Lock()
	var all []*stream.Session
	for s := range t.by[id] {
		all = append(all, s)
	}
	t.mu.Unlock()
	reason := &stream.CloseError{Code: stream.CodePolicy, Text: "service was deleted"}
	for _, s := range all {
		s.End(reason)
	}
}

// frames keeps what the latest events are as gRPC, so that each is encoded once for all streams. A
// change keeps its JSON itself; there are always watchers for that.
type frames [1024]atomic.Pointer[frame]

type frame struct {
	ev    *notify.Event
	cache stream.Cache
}

func (f *frames) encode(ev *notify.Event) ([]byte, error) {
	slot := &f[uint64(ev.Revision)%uint64(len(f))]
	kept := slot.Load()
	if kept == nil || kept.ev != ev {
		// Somebody may do so at the same time: then it is encoded twice, and equal.
		kept = &frame{ev: ev}
		slot.Store(kept)
	}
	return kept.cache.Get(func() ([]byte, error) {
		c := ev.Payload.(*registry.Change)
		return grpc.EncodeFrame(registry.NewFrame(c.Action, c.Service, c.Instance)), nil
	})
}
