package rest

import (
	"cmp"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/ws"
)

// Handler serves a registry over HTTP. Make it with New.
type Handler struct {
	config   Config
	hub      *registry.Hub
	mux      http.ServeMux
	shelf    shelf
	watchers watchers
	sockets  *ws.Handler
}

// endpoint answers a request: with what is to be written as JSON, with a status, or with nil.
type endpoint func(*call) (answer any, err error)

// of makes an endpoint of one that is about the service of the path.
func of(do func(*call, *registry.Service) (any, error)) endpoint {
	return func(c *call) (any, error) {
		s, err := c.named()
		if err != nil {
			return nil, err
		}
		return do(c, s)
	}
}

const (
	root     = "/v4/{project}/"
	service  = root + "registry/microservices/{serviceId}"
	instance = service + "/instances/{instanceId}"
)

// routes are the paths of service-center that clients call, by path and method. Methods stand here
// and not in the patterns: a ServeMux would refuse the wrong ones by itself, in plain text.
var routes = map[string]map[string]endpoint{
	root + "registry/health":    {"GET": (*call).health},
	root + "registry/version":   {"GET": (*call).version},
	root + "registry/existence": {"GET": (*call).existence},

	root + "registry/microservices": {
		"GET": (*call).services, "POST": (*call).registerService},
	service: {
		"GET": of((*call).service), "DELETE": (*call).deleteService},
	service + "/properties": {"PUT": (*call).putServiceProperties},
	service + "/providers":  {"GET": of((*call).providers)},
	service + "/consumers":  {"GET": of((*call).consumers)},
	service + "/schemas": {
		"GET": of((*call).schemas), "POST": (*call).postSchemas},
	service + "/schemas/{schemaId}": {
		"GET": of((*call).schema), "PUT": (*call).putSchema, "DELETE": (*call).deleteSchema},
	service + "/tags": {
		"GET": of((*call).tags), "POST": (*call).addTags, "PUT": (*call).putTags},
	service + "/tags/{key}": {
		"PUT": (*call).putTag, "DELETE": (*call).deleteTags},
	service + "/rules": {
		"GET": of((*call).rules), "POST": (*call).addRules},
	service + "/rules/{ruleId}": {
		"PUT": (*call).putRule, "DELETE": (*call).deleteRules},
	service + "/watcher":     {"GET": (*call).watch},
	service + "/listwatcher": {"GET": (*call).listWatch},

	service + "/instances": {
		"GET": of((*call).instances), "POST": (*call).registerInstance},
	instance: {
		"GET": of((*call).instance), "DELETE": (*call).deregister},
	instance + "/properties": {"PUT": (*call).putProperties},
	instance + "/status":     {"PUT": (*call).putStatus},
	instance + "/heartbeat":  {"PUT": of((*call).heartbeat)},

	root + "registry/heartbeats":       {"PUT": (*call).heartbeats},
	root + "registry/instances":        {"GET": (*call).find},
	root + "registry/instances/action": {"POST": (*call).findAll},
	root + "registry/dependencies": {
		"PUT": (*call).setDependencies, "POST": (*call).addDependencies},

	root + "admin/dump": {"GET": (*call).dump},
	root + "admin/alarms": {
		"GET": (*call).alarms, "DELETE": (*call).clearAlarms},
	root + "admin/alarms/{alarmId}": {"DELETE": (*call).clearAlarm},
}

// New makes a handler and starts nothing. The errors are those of Config.Validate.
func New(c Config) (*Handler, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	if c.Stream.Clock == nil {
		c.Stream.Clock = clock.Real{}
	}
	c.Stream.Encode, c.Stream.EncodeList = encodeEvent, encodeList
	c.Version = cmp.Or(c.Version, "0.0.0")
	c.BodyBytesMax = cmp.Or(c.BodyBytesMax, DefaultBodyBytesMax)
	c.WatchersMax = cmp.Or(c.WatchersMax, DefaultWatchersMax)
	c.SchemaBytesMax = cmp.Or(c.SchemaBytesMax, DefaultSchemaBytesMax)
	c.ServicesMax = cmp.Or(c.ServicesMax, DefaultServicesMax)
	c.InstancesMax = cmp.Or(c.InstancesMax, DefaultInstancesMax)
	h := &Handler{config: c, hub: c.Hub, shelf: newShelf(c.SchemaBytesMax), watchers: newWatchers()}
	var err error
	h.sockets, err = ws.New(ws.Config{Open: openedBefore, ConnsMax: c.WatchersMax, Ended: h.ended})
	if err != nil {
		return nil, err
	}
	for pattern, methods := range routes {
		h.mux.HandleFunc(pattern, h.serve(methods))
	}
	// Also what isn't there is answered in the form that clients parse.
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		write(w, refused(http.StatusNotFound, "path %q: want one of service-center's, version 4",
			shorten(r.URL.Path)))
	})
	return h, nil
}

// ServeHTTP answers a request, as http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A ServeMux would redirect, and an empty id would become the path of something else.
	if r.URL.Path != path.Clean(r.URL.Path) {
		write(w, refused(http.StatusBadRequest,
			"path %q: want one without empty parts, . and ..", shorten(r.URL.Path)))
		return
	}
	h.mux.ServeHTTP(w, r)
}

// Watchers is how many are connected.
func (h *Handler) Watchers() int { return h.sockets.Conns() }

// Close ends all watchers with notify.ErrClosed and returns after the last. Shut the server down
// before.
func (h *Handler) Close() { h.sockets.Close() }

// ServiceDeleted ends the watchers of a service and forgets what is kept here for it. It is what
// registry.HubConfig.Deleted should call; for services that this handler deleted, it does.
func (h *Handler) ServiceDeleted(serviceID string) {
	h.shelf.forget(serviceID)
	reason := &stream.CloseError{Code: stream.CodePolicy, Text: "service was deleted"}
	for _, s := range h.watchers.of(serviceID) {
		s.End(reason)
	}
}

// serve makes a handler of the endpoints of one path. A request has one time for all that it does.
func (h *Handler) serve(methods map[string]endpoint) http.HandlerFunc {
	allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		do := methods[r.Method]
		if do == nil {
			w.Header().Set("Allow", allowed)
			write(w, refused(http.StatusMethodNotAllowed, "method %q: want %s",
				shorten(r.Method), allowed))
			return
		}
		c := &call{Handler: h, w: w, r: r, now: h.config.Clock.Now()}
		if err := c.begin(); err != nil {
			write(w, asError(err))
			return
		}
		if answer, err := do(c); err != nil {
			write(w, asError(err))
		} else {
			write(w, answer)
		}
	}
}
