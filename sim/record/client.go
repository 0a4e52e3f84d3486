package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"github.com/notifylab/notifylab/notify/registry"
)

// Limits of what a registry may answer.
const (
	answerBytesMax = 64 << 20 // all of its services
	frameBytesMax  = 4 << 20
	errorBytesMax  = 300 // of an answer that is quoted
)

// connect registers the recorder, has it depend on everything, and watches. The id is that of its
// service, also where a later step failed; "" if there is none.
func (r *Recorder) connect(ctx context.Context) (conn *websocket.Conn, id string, err error) {
	self := registry.Key{App: AppName, Name: ServiceName, Version: version}
	var answer struct {
		ID string `json:"serviceId"`
	}
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	// An end of ctx doesn't cut this short: without the answer nobody could delete the service.
	err = r.call(context.WithoutCancel(ctx), "POST", "/microservices",
		map[string]any{"service": self}, &answer)
	if err == nil && answer.ID == "" {
		err = errors.New("record: the registry's answer has no serviceId: want one of " +
			"service-center's interface, version 4")
	}
	if err != nil {
		return nil, "", err
	}
	rules, err := r.everything(ctx)
	if err != nil {
		return nil, answer.ID, err
	}
	type dependency struct {
		Consumer  registry.Key   `json:"consumer"`
		Providers []registry.Key `json:"providers"`
	}
	err = r.call(ctx, "PUT", "/dependencies",
		map[string]any{"dependencies": []dependency{{self, rules}}}, nil)
	if err != nil {
		return nil, answer.ID, err
	}
	conn, err = r.dial(ctx, answer.ID)
	return conn, answer.ID, err
}

// everything is a rule for all services of each environment, for a rule reaches no other. It notes
// which services there are.
func (r *Recorder) everything(ctx context.Context) (rules []registry.Key, err error) {
	var all struct {
		Services []registry.Service `json:"services"`
	}
	if err := r.call(ctx, "GET", "/microservices", nil, &all); err != nil {
		return nil, err
	}
	environments, there := []string{""}, make(map[string]bool)
	known := 0
	for i := range all.Services {
		x := &all.Services[i]
		environments = append(environments, x.Env)
		there[x.Name], there[x.App+"/"+x.Name] = true, true
		if x.App != AppName || x.Name != ServiceName {
			known++
		}
	}
	var absent []string
	for _, name := range r.c.Services {
		if !there[name] {
			absent = append(absent, name)
		}
	}
	r.count(func(s *Stats) { s.Known, s.Absent = known, absent })
	slices.Sort(environments)
	for _, env := range slices.Compact(environments) {
		// Application and version say nothing beside the star, but some releases want them.
		rules = append(rules, registry.Key{Env: env, App: "default", Name: "*", Version: "0+"})
	}
	return rules, nil
}

// dial opens the watcher.
func (r *Recorder) dial(ctx context.Context, id string) (*websocket.Conn, error) {
	u := "ws" + strings.TrimPrefix(r.path("/microservices/"+id+"/watcher"), "http")
	conn, _, err := websocket.Dial(ctx, u, &websocket.DialOptions{
		HTTPClient: r.client, HTTPHeader: http.Header{"X-Domain-Name": {r.c.Domain}},
	})
	if err != nil {
		return nil, fmt.Errorf("record: watch: %w", err)
	}
	conn.SetReadLimit(frameBytesMax)
	return conn, nil
}

// leave deletes the recorder's service, whoever else depends on everything. It is too late for the
// run's own context.
func (r *Recorder) leave(id string) error {
	if id == "" {
		return nil
	}
	err := r.call(context.Background(), "DELETE", "/microservices/"+id+"?force=1", nil,
		nil)
	r.count(func(s *Stats) { s.Connected, s.Left = false, err })
	return nil
}

func (r *Recorder) path(rest string) string {
	return r.c.URL + "/v4/" + r.c.Project + "/registry" + rest
}

// call sends a request, and reads the answer into what into points to, if anything.
func (r *Recorder) call(ctx context.Context, method, path string, body, into any) error {
	fail := func(err error) error { return fmt.Errorf("record: %s %s: %w", method, path, err) }
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fail(err)
		}
		content = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(ctx, method, r.path(path), content)
	if err != nil {
		return fail(err)
	}
	q.Header.Set("X-Domain-Name", r.c.Domain)
	q.Header.Set("Content-Type", "application/json")
	answer, err := r.client.Do(q)
	if err != nil {
		return fail(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerBytesMax))
	if err != nil {
		return fail(err)
	}
	if answer.StatusCode != http.StatusOK {
		quoted := strings.ToValidUTF8(string(text[:min(len(text), errorBytesMax)]), "")
		quoted = strings.Join(strings.Fields(quoted), " ") // it may be a page
		return fail(fmt.Errorf("the registry says %s: %s", answer.Status, quoted))
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fail(fmt.Errorf("%w: want the JSON of service-center's interface, version 4", err))
	}
	return nil
}
