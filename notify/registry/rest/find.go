package rest

import (
	"net/http"

	"github.com/notifylab/notifylab/notify/registry"
)

const (
	revisionHeader = "X-Resource-Revision"
	findAllForm    = `{"consumerServiceId","services":[{"service":{…},"rev"},…]}`

	// findAllMax keeps one request from making thousands of lists.
	findAllMax = 1000
)

// askedFor reads the key and the version rule of a query.
func (c *call) askedFor() (registry.Key, registry.Rule, error) {
	return c.provider("", registry.Key{
		Env: c.query.Get("env"), App: c.query.Get("appId"), Name: c.query.Get("serviceName"),
		Version: c.query.Get("version"),
	})
}

// provider checks a key that somebody asks for; in says where it stands.
func (c *call) provider(in string, k registry.Key) (registry.Key, registry.Rule, error) {
	if k.Name == "" {
		return k, registry.Rule{}, invalid(in+"serviceName", "", idForm)
	}
	for _, f := range []struct{ field, value string }{
		{"environment", k.Env}, {"appId", k.App}, {"serviceName", k.Name},
	} {
		if err := checkName(in+f.field, f.value); err != nil {
			return k, registry.Rule{}, err
		}
	}
	rule, err := registry.ParseRule(k.Version)
	if err != nil {
		return k, rule, fail(CodeInvalid, "%sversion: %v", in, err)
	}
	k.Tenant, k.Alias, k.App = c.tenant, "", orDefault(k.App, defaultApp)
	return k, rule, nil
}

// find takes appId, serviceName, version (a rule), env, rev, noCache and cacheOnly, and answers
// {"instances":[…]} with the revision in a header, or 304.
func (c *call) find() (any, error) {
	var q registry.Query
	var err error
	if q.Provider, q.Rule, err = c.askedFor(); err != nil {
		return nil, err
	}
	if q.NoCache, err = c.flag("noCache"); err != nil {
		return nil, err
	}
	if q.CacheOnly, err = c.flag("cacheOnly"); err != nil {
		return nil, err
	}
	if q.ConsumerID, err = c.consumer(); err != nil {
		return nil, err
	}
	q.Revision = c.query.Get("rev")
	answer, err := c.answer(q)
	if err != nil {
		return nil, err
	}
	c.w.Header().Set(revisionHeader, answer.Revision)
	if answer.NotModified {
		return status(http.StatusNotModified), nil
	}
	return instancesBody{notNil(answer.Instances)}, nil
}

// notNil is for clients that read null as a failure.
func notNil(list []*registry.Instance) []*registry.Instance {
	if list == nil {
		return []*registry.Instance{}
	}
	return list
}

// answer finds, and makes the one who asks a consumer. Nearly always it is one already, and then a
// find must not wait for its turn to change: publishers wait there for room, and finds are what
// consumers fall back to when events are late. That it is a consumer must be known before the
// answer is read, for only what changes later is told.
func (c *call) answer(q registry.Query) (registry.Answer, error) {
	wanted := q.Provider
	wanted.Version = q.Rule.String()
	if q.ConsumerID == "" || c.hub.Registry().Depends(q.ConsumerID, wanted) {
		return c.hub.Find(q)
	}
	// Who finds nothing depends on nothing.
	if answer, err := c.hub.Find(q); err != nil {
		return answer, err
	}
	err := c.change(func(r *registry.Registry) (changeList, error) {
		consumer, err := c.known(q.ConsumerID)
		if err != nil {
			return nil, err
		}
		return r.AddDependencies(consumer.Key, []registry.Key{wanted})
	})
	if err != nil {
		return registry.Answer{}, err
	}
	q.CacheOnly = false // it was cached, but that may have ended meanwhile
	return c.hub.Find(q)
}

// The parts of an answer to a find of many services, by their places in the request.
type (
	foundAll struct {
		Failed      []foundNot `json:"failed,omitempty"`
		NotModified []int      `json:"notModified,omitempty"`
		Updated     []found    `json:"updated,omitempty"`
	}
	foundNot struct {
		Indexes []int  `json:"indexes"`
		Error   *Error `json:"error"`
	}
	found struct {
		Index     int                  `json:"index"`
		Revision  string               `json:"rev"`
		Instances []*registry.Instance `json:"instances"`
	}
)

// findAll finds many services in one request; what can't be found is part of the answer. It takes
// findAllForm and answers {"services":{"failed","notModified","updated"}}.
func (c *call) findAll() (any, error) {
	if kind := c.query.Get("type"); kind != "query" {
		return nil, invalid("type", kind, "query")
	}
	var body struct {
		ConsumerID string `json:"consumerServiceId"`
		Services   []struct {
			Service  *registry.Key `json:"service"`
			Revision string        `json:"rev"`
		} `json:"services"`
		Instances []any `json:"instances"`
	}
	if err := c.decode(&body, findAllForm); err != nil {
		return nil, err
	}
	if n := len(body.Services); n == 0 || n > findAllMax || len(body.Instances) > 0 {
		return nil, fail(CodeInvalid, "services: %d: want 1 to %d, and no instances: they have "+
			"paths of their own", n, findAllMax)
	}
	if body.ConsumerID != "" {
		if _, err := c.known(body.ConsumerID); err != nil {
			return nil, fail(CodeNoService, "consumerServiceId %q: want the id of a registered "+
				"service", shorten(body.ConsumerID))
		}
	}
	// Each is found as if it were asked for alone, so that its revision is that of a single find:
	// a client may use both.
	var all foundAll
	for i, asked := range body.Services {
		q := registry.Query{ConsumerID: body.ConsumerID, Revision: asked.Revision}
		var answer registry.Answer
		var err error
		if asked.Service == nil {
			err = fail(CodeInvalid, "service: missing: want %s", findAllForm)
		} else if q.Provider, q.Rule, err = c.provider("service.", *asked.Service); err == nil {
			answer, err = c.answer(q)
		}
		switch {
		case err != nil:
			all.Failed = append(all.Failed, foundNot{[]int{i}, asError(err)})
		case answer.NotModified:
			all.NotModified = append(all.NotModified, i)
		default:
			all.Updated = append(all.Updated,
				found{i, answer.Revision, notNil(answer.Instances)})
		}
	}
	return map[string]foundAll{"services": all}, nil
}
