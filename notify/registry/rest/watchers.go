package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// errNoService is told in one text frame, with exactly these words.
var errNoService = errors.New("service does not exist")

// errNoUpgrade ends a session whose client wasn't connected in the end.
var errNoUpgrade = errors.New("rest: connection was not upgraded")

// listing is the state of a watch.List: what the consumer sees, and how to say it.
type listing struct {
	action registry.Action
	view   registry.View
}

// encodeEvent uses what all watchers of a change share.
func encodeEvent(ev *notify.Event) ([]byte, error) {
	return ev.Payload.(*registry.Change).Encoded(), nil
}

// encodeList makes one frame per instance, for every watcher anew: each sees a world of its own.
func encodeList(l watch.List) (frames [][]byte, err error) {
	state, ok := l.State.(listing)
	if !ok {
		return nil, nil // the first one of a plain watcher
	}
	for _, p := range state.view.Services {
		for _, in := range p.Instances {
			frames = append(frames, registry.NewFrame(state.action, p.Service, in).Encode())
		}
	}
	return frames, nil
}

// watch and listWatch differ in how they begin and in what they call a list: clients take an INIT
// for the first thing they hear, so a plain watcher gets none.
func (c *call) watch() (any, error)     { return c.upgrade(registry.Update) }
func (c *call) listWatch() (any, error) { return c.upgrade(registry.Init) }

// opened is a session on its way through the upgrade, or why there is none.
type opened struct {
	session *stream.Session
	err     error
	taken   bool
}

type openedKey struct{}

// openedBefore is what the transport calls after the upgrade. A service that doesn't exist is told
// there and not before it: clients would take a 4xx for a server that can't serve watchers.
func openedBefore(r *http.Request) (*stream.Session, error) {
	o := r.Context().Value(openedKey{}).(*opened)
	o.taken = true
	return o.session, o.err
}

// upgrade subscribes first and upgrades then: a client that knows it is connected misses nothing.
// The transport gives no way to hand it a session but through the request, so it has it in there.
func (c *call) upgrade(listAs registry.Action) (any, error) {
	if !strings.EqualFold(c.r.Header.Get("Upgrade"), "websocket") {
		return nil, refused(http.StatusUpgradeRequired, "Upgrade %q: want websocket",
			shorten(c.r.Header.Get("Upgrade")))
	}
	if c.Watchers() >= c.config.WatchersMax {
		e := fail(CodeNotEnoughQuota, "watchers: want at most %d at once", c.config.WatchersMax)
		e.status = http.StatusServiceUnavailable
		return nil, e
	}
	o := &opened{}
	o.session, o.err = c.open(listAs)
	if o.err != nil && !errors.Is(o.err, errNoService) {
		return nil, o.err
	}
	ctx := context.WithValue(c.r.Context(), openedKey{}, o)
	c.sockets.ServeHTTP(c.w, c.r.WithContext(ctx))
	// The transport has refused the upgrade, and so never asked for the session.
	if !o.taken && o.session != nil {
		o.session.End(errNoUpgrade)
		c.ended(o.session, errNoUpgrade)
	}
	return answered, nil
}

// open opens a session for the service of the path.
func (c *call) open(listAs registry.Action) (*stream.Session, error) {
	consumer, err := c.named()
	if err != nil {
		return nil, errNoService
	}
	at := watch.At{Type: registry.InstanceEvents, Subject: registry.SubjectOf(c.tenant),
		Group: consumer.ID}
	h := c.Handler // the lister outlives the call
	list := h.lister(consumer.ID, listAs, h.hub.Registry().Revision())
	session, err := stream.Open(h.config.Engine, at, list, &h.config.Watch, &h.config.Stream,
		h.config.Stream.Clock.Now())
	if err != nil {
		return nil, err
	}
	h.watchers.add(consumer.ID, session)
	// It may have been deleted before there was a session to end.
	if h.hub.Registry().Service(consumer.ID) == nil {
		session.End(errNoService)
		h.watchers.remove(session)
		return nil, errNoService
	}
	return session, nil
}

// lister lists what a consumer sees. A plain watcher begins without: its first list has no frames,
// and the revision of before it subscribed, so that what was still on its way then is stale and all
// that came later is not. What it lost later it gets as UPDATE, for that is what it is.
//
// A session lists one at a time, so a lister needs no lock.
func (h *Handler) lister(consumerID string, as registry.Action, since int64) watch.Lister {
	begun := as == registry.Init
	return func(context.Context) (watch.List, error) {
		if !begun {
			begun = true
			return watch.List{Revision: since}, nil
		}
		v, err := h.hub.Registry().View(consumerID)
		if err != nil {
			return watch.List{}, &stream.CloseError{Code: stream.CodePolicy,
				Text: errNoService.Error()}
		}
		return watch.List{Revision: v.Revision, State: listing{as, v}}, nil
	}
}

// ended hears of the end of every session, once.
func (h *Handler) ended(s *stream.Session, reason error) {
	h.watchers.remove(s)
	if h.config.Ended != nil {
		h.config.Ended(reason)
	}
}

// watchers are the sessions by the service that they watch as.
type watchers struct {
	mu       sync.Mutex
	sessions map[string]map[*stream.Session]struct{}
	as       map[*stream.Session]string
}

func newWatchers() watchers {
	return watchers{sessions: map[string]map[*stream.Session]struct{}{},
		as: map[*stream.Session]string{}}
}

// add is undone by remove, which the end of every session calls.
func (w *watchers) add(serviceID string, s *stream.Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sessions[serviceID] == nil {
		w.sessions[serviceID] = map[*stream.Session]struct{}{}
	}
	w.sessions[serviceID][s] = struct{}{}
	w.as[s] = serviceID
}

func (w *watchers) remove(s *stream.Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.as[s]
	delete(w.as, s)
	delete(w.sessions[id], s)
	if len(w.sessions[id]) == 0 {
		delete(w.sessions, id)
	}
}

// of gives the sessions of a service, to be ended without the lock.
func (w *watchers) of(serviceID string) (sessions []*stream.Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.sessions[serviceID] {
		sessions = append(sessions, s)
	}
	return sessions
}
