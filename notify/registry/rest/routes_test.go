package rest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry/rest"
)

func decode(t testing.TB, text string, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), into), text)
}

// assertError wants the shape of an error, its code, and a detail that names the field.
func assertError(t testing.TB, got reply, code int, field string) {
	t.Helper()
	var e rest.Error
	decoder := json.NewDecoder(strings.NewReader(got.body))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&e), "%d %q", got.status, got.body)
	assert.Equal(t, code, e.Code, got.body)
	assert.NotEmpty(t, e.Message)
	assert.Contains(t, e.Detail, field)
	assert.Equal(t, "application/json; charset=UTF-8", got.header.Get("Content-Type"))
}

const one = api + "/microservices/cart"

// bad is a request that must fail, to a server that has the shop. Its status is 400 unless it says
// another one.
type bad struct {
	name, method, path, body string
	code                     int
	field                    string // in the detail
	status                   int
	headers                  []string
}

var badRequests = []bad{
	{name: "path", method: "GET", path: "/v4/default/nothing", code: rest.CodeInvalid,
		field: "/v4/default/nothing", status: 404},
	{name: "empty id", method: "GET", path: api + "/microservices//instances",
		code: rest.CodeInvalid, field: "path"},
	{name: "dots", method: "GET", path: api + "/microservices/../health",
		code: rest.CodeInvalid, field: "path"},
	{name: "method", method: "PATCH", path: one, code: rest.CodeInvalid, field: "DELETE, GET",
		status: 405},
	{name: "domain", method: "GET", path: one, code: rest.CodeInvalid, field: "X-Domain-Name",
		headers: []string{"X-Domain-Name", "a/b"}},
	{name: "project", method: "GET", path: "/v4/a%2Fb/registry/microservices",
		code: rest.CodeInvalid, field: "project"},
	{name: "query", method: "GET", path: findCart + "%zz", code: rest.CodeInvalid, field: "query"},

	{name: "service: no JSON", method: "POST", path: api + "/microservices", body: "{",
		code: rest.CodeInvalid, field: "body"},
	{name: "service: empty", method: "POST", path: api + "/microservices", body: "",
		code: rest.CodeInvalid, field: "body"},
	{name: "service: null", method: "POST", path: api + "/microservices", body: "null",
		code: rest.CodeInvalid, field: "service: missing"},
	{name: "service: more after it", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":"a"}} {}`, code: rest.CodeInvalid, field: "body"},
	{name: "service: type", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":7}}`, code: rest.CodeInvalid,
		field: "service.serviceName: a JSON number: want a JSON string"},
	{name: "service: too big", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":"` + strings.Repeat("a", rest.DefaultBodyBytesMax) + `"}}`,
		code: rest.CodeInvalid, field: "2097152 bytes", status: 413},
	{name: "service: content type", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":"a"}}`, code: rest.CodeInvalid, field: "Content-Type",
		status: 415, headers: []string{"Content-Type", "text/plain"}},
	{name: "service: no name", method: "POST", path: api + "/microservices",
		body: `{"service":{}}`, code: rest.CodeInvalid, field: "service.serviceName"},
	{name: "service: name", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":"a/b"}}`, code: rest.CodeInvalid,
		field: "service.serviceName"},
	{name: "service: app", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":"a","appId":"a b"}}`, code: rest.CodeInvalid,
		field: "service.appId"},
	{name: "service: version", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":"a","version":"new"}}`, code: rest.CodeInvalid,
		field: "service.version"},
	{name: "service: status", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":"a","status":"SO SO"}}`, code: rest.CodeInvalid,
		field: "service.status"},
	{name: "service: id", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":"a","serviceId":"a/b"}}`, code: rest.CodeInvalid,
		field: "service.serviceId"},
	{name: "service: id of another", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":"a","serviceId":"cart"}}`, code: rest.CodeServiceExists,
		field: "service.serviceId"},
	{name: "service: key of another", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceId":"new","serviceName":"cart","appId":"shop",` +
			`"environment":"production","version":"1.0.0"}}`,
		code: rest.CodeServiceExists, field: "service.serviceId"},
	{name: "service: all in one", method: "POST", path: api + "/microservices",
		body: `{"service":{"serviceName":"a"},"tags":{"a":"b"}}`, code: rest.CodeInvalid,
		field: "tags"},
	{name: "service: unknown", method: "GET", path: api + "/microservices/nobody",
		code: rest.CodeNoService, field: "serviceId"},
	{name: "service: properties", method: "PUT", path: one + "/properties", body: `{}`,
		code: rest.CodeInvalid, field: "properties"},
	{name: "service: has instances", method: "DELETE", path: one, code: rest.CodeHasInstances,
		field: "force=1"},
	{name: "service: has consumers", method: "DELETE", path: api + "/microservices/idle",
		code: rest.CodeHasConsumers, field: "front"},
	{name: "service: force", method: "DELETE", path: one + "?force=yes", code: rest.CodeInvalid,
		field: "force"},
	{name: "service: delete unknown", method: "DELETE", path: api + "/microservices/nobody?force=1",
		code: rest.CodeNoService, field: "serviceId"},
	{name: "existence: type", method: "GET", path: api + "/existence", code: rest.CodeInvalid,
		field: "type"},
	{name: "existence: unknown", method: "GET", code: rest.CodeNoService, field: "serviceName",
		path: api + "/existence?type=microservice&serviceName=nobody&version=1.0.0"},
	{name: "existence: schema", method: "GET", code: rest.CodeNoSchema, field: "schemaId",
		path: api + "/existence?type=schema&serviceId=cart&schemaId=none"},

	{name: "instance: no JSON", method: "POST", path: one + "/instances", body: "[]",
		code: rest.CodeInvalid, field: "body"},
	{name: "instance: missing", method: "POST", path: one + "/instances", body: "{}",
		code: rest.CodeInvalid, field: "instance: missing"},
	{name: "instance: type", method: "POST", path: one + "/instances",
		body: `{"instance":{"endpoints":"x"}}`, code: rest.CodeInvalid,
		field: "instance.endpoints: a JSON string: want a JSON array"},
	{name: "instance: nested type", method: "POST", path: one + "/instances",
		body: `{"instance":{"healthCheck":{"interval":"30"}}}`, code: rest.CodeInvalid,
		field: "instance.healthCheck.interval"},
	{name: "instance: other service", method: "POST", path: one + "/instances",
		body: `{"instance":{"serviceId":"front"}}`, code: rest.CodeInvalid,
		field: "instance.serviceId"},
	{name: "instance: unknown service", method: "POST",
		path: api + "/microservices/nobody/instances", body: `{"instance":{}}`,
		code: rest.CodeNoService, field: "serviceId"},
	{name: "instance: status", method: "POST", path: one + "/instances",
		body: `{"instance":{"status":"up"}}`, code: rest.CodeInvalid, field: "instance.status"},
	{name: "instance: id", method: "POST", path: one + "/instances",
		body: `{"instance":{"instanceId":"a/b"}}`, code: rest.CodeInvalid,
		field: "instance.instanceId"},
	{name: "instance: mode", method: "POST", path: one + "/instances",
		body: `{"instance":{"healthCheck":{"mode":"hope"}}}`, code: rest.CodeInvalid,
		field: "instance.healthCheck.mode"},
	{name: "instance: interval", method: "POST", path: one + "/instances",
		body: `{"instance":{"healthCheck":{"mode":"push","interval":-1}}}`, code: rest.CodeInvalid,
		field: "instance.healthCheck.interval"},
	{name: "instance: times", method: "POST", path: one + "/instances",
		body: `{"instance":{"healthCheck":{"mode":"push","interval":30,"times":-2}}}`,
		code: rest.CodeInvalid, field: "instance.healthCheck"},
	{name: "instance: unknown", method: "GET", path: one + "/instances/none",
		code: rest.CodeNoInstance, field: "instanceId"},
	{name: "instance: delete unknown", method: "DELETE", path: one + "/instances/none",
		code: rest.CodeNoInstance, field: "InstanceID"},
	{name: "status: value", method: "PUT", path: one + "/instances/c1/status?value=up",
		code: rest.CodeInvalid, field: "value"},
	{name: "status: unknown", method: "PUT", path: one + "/instances/none/status?value=UP",
		code: rest.CodeNoInstance, field: "InstanceID"},
	{name: "properties: none", method: "PUT", path: one + "/instances/c1/properties", body: "{}",
		code: rest.CodeInvalid, field: "properties"},
	{name: "properties: type", method: "PUT", path: one + "/instances/c1/properties",
		body: `{"properties":{"a":1}}`, code: rest.CodeInvalid, field: "properties"},
	{name: "heartbeat: unknown", method: "PUT", path: one + "/instances/none/heartbeat",
		code: rest.CodeNoInstance, field: "InstanceID"},
	{name: "heartbeat: unknown service", method: "PUT",
		path: api + "/microservices/nobody/instances/c1/heartbeat", code: rest.CodeNoService,
		field: "serviceId"},
	{name: "heartbeats: none", method: "PUT", path: api + "/heartbeats", body: "{}",
		code: rest.CodeInvalid, field: "instances"},
	{name: "heartbeats: unknown", method: "PUT", path: api + "/heartbeats",
		body: `{"instances":[{"serviceId":"cart","instanceId":"c1"},{"serviceId":"x"}]}`,
		code: rest.CodeNoInstance, field: "x/"},

	{name: "find: no name", method: "GET", path: api + "/instances?version=0%2B",
		code: rest.CodeInvalid, field: "serviceName"},
	{name: "find: version", method: "GET", path: findCart + "new", code: rest.CodeInvalid,
		field: "version"},
	{name: "find: no version", method: "GET", path: findCart, code: rest.CodeInvalid,
		field: "version"},
	{name: "find: flag", method: "GET", path: findCart + "0%2B&noCache=2", code: rest.CodeInvalid,
		field: "noCache"},
	{name: "find: unknown consumer", method: "GET", path: findCart + "0%2B",
		code: rest.CodeNoService, field: "X-ConsumerId", headers: []string{"X-ConsumerId", "x"}},
	{name: "find: nothing cached", method: "GET", path: findCart + "0%2B&cacheOnly=1",
		code: rest.CodeNoService, field: "CacheOnly"},
	{name: "find many: type", method: "POST", path: api + "/instances/action", body: "{}",
		code: rest.CodeInvalid, field: "type"},
	{name: "find many: none", method: "POST", path: api + "/instances/action?type=query",
		body: "{}", code: rest.CodeInvalid, field: "services"},
	{name: "find many: consumer", method: "POST", path: api + "/instances/action?type=query",
		body: `{"consumerServiceId":"x","services":[{}]}`, code: rest.CodeNoService,
		field: "consumerServiceId"},

	{name: "dependencies: none", method: "PUT", path: api + "/dependencies", body: "{}",
		code: rest.CodeInvalid, field: "dependencies"},
	{name: "dependencies: consumer", method: "PUT", path: api + "/dependencies",
		body: `{"dependencies":[{"providers":[]}]}`, code: rest.CodeInvalid,
		field: "dependencies[0].consumer"},
	{name: "dependencies: unknown consumer", method: "PUT", path: api + "/dependencies",
		body: strings.Replace(dependsOn("0+"), "front", "nobody", 1), code: rest.CodeNoService,
		field: "dependencies[0].consumer"},
	{name: "dependencies: rule", method: "POST", path: api + "/dependencies",
		body: dependsOn("new"), code: rest.CodeInvalid,
		field: "dependencies[0].providers[0]"},
	{name: "dependencies: the second", method: "PUT", path: api + "/dependencies",
		body: strings.Replace(dependsOn("1.0.0"), `]}]}`, `]},{"consumer":{"serviceName":"x",`+
			`"version":"1"}}]}`, 1), code: rest.CodeNoService, field: "dependencies[1].consumer"},

	{name: "schemas: none", method: "POST", path: one + "/schemas", body: "{}",
		code: rest.CodeInvalid, field: "schemas"},
	{name: "schemas: id", method: "POST", path: one + "/schemas",
		body: `{"schemas":[{"schema":"x"}]}`, code: rest.CodeInvalid, field: "schemas[0].schemaId"},
	{name: "schemas: text", method: "PUT", path: one + "/schemas/a", body: `{}`,
		code: rest.CodeInvalid, field: "schema"},
	{name: "schemas: unknown service", method: "PUT",
		path: api + "/microservices/nobody/schemas/a", body: `{"schema":"x"}`,
		code: rest.CodeNoService, field: "serviceId"},
	{name: "schemas: unknown", method: "GET", path: one + "/schemas/none", code: rest.CodeNoSchema,
		field: "schemaId"},
	{name: "schemas: delete unknown", method: "DELETE", path: one + "/schemas/none",
		code: rest.CodeNoSchema, field: "schemaId"},
	{name: "schemas: flag", method: "GET", path: one + "/schemas?withSchema=x",
		code: rest.CodeInvalid, field: "withSchema"},
	{name: "tags: none", method: "POST", path: one + "/tags", body: "{}", code: rest.CodeInvalid,
		field: "tags"},
	{name: "tags: name", method: "PUT", path: one + "/tags", body: `{"tags":{"a b":""}}`,
		code: rest.CodeInvalid, field: "tags"},
	{name: "tags: unknown", method: "PUT", path: one + "/tags/none?value=x", code: rest.CodeNoTag,
		field: "key"},
	{name: "tags: delete unknown", method: "DELETE", path: one + "/tags/none",
		code: rest.CodeNoTag, field: "key"},
	{name: "rules: none", method: "POST", path: one + "/rules", body: "{}", code: rest.CodeInvalid,
		field: "rules"},
	{name: "rules: both", method: "POST", path: one + "/rules", code: rest.CodeBlackAndWhite,
		body: `{"rules":[{"ruleType":"BLACK","attribute":"appId","pattern":"a"},` +
			`{"ruleType":"WHITE","attribute":"appId","pattern":"a"}]}`, field: "ruleType"},
	{name: "rules: pattern", method: "POST", path: one + "/rules", code: rest.CodeInvalid,
		body:  `{"rules":[{"ruleType":"BLACK","attribute":"appId","pattern":"("}]}`,
		field: "Pattern"},
	{name: "rules: long pattern", method: "POST", path: one + "/rules", code: rest.CodeInvalid,
		body: `{"rules":[{"ruleType":"BLACK","attribute":"appId","pattern":"` +
			strings.Repeat("a", 257) + `"}]}`, field: "pattern"},
	{name: "rules: unknown", method: "PUT", path: one + "/rules/none", body: "{}",
		code: rest.CodeNoRule, field: "ruleId"},
	{name: "rules: delete unknown", method: "DELETE", path: one + "/rules/none",
		code: rest.CodeNoRule, field: "ruleId"},

	{name: "watcher: no upgrade", method: "GET", path: watched, code: rest.CodeInvalid,
		field: "Upgrade", status: 426},
	{name: "dump: tenant", method: "GET", path: "/v4/other/admin/dump", code: rest.CodeForbidden,
		field: "project", status: 403},
	{name: "alarms: tenant", method: "DELETE", path: "/v4/default/admin/alarms",
		code: rest.CodeForbidden, field: "X-Domain-Name", status: 403,
		headers: []string{"X-Domain-Name", "other"}},
}

func TestErrors_HaveOneShapeNameTheFieldAndChangeNothing(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	s.service("idle", "idle", "1.0.0")
	s.ok("POST", api+"/dependencies", strings.Replace(dependsOn("0+"), "cart", "idle", 1))
	dump := s.do("GET", "/v4/default/admin/dump", "").body
	for _, test := range badRequests {
		t.Run(test.name, func(t *testing.T) {
			s.t = t
			got := s.do(test.method, test.path, test.body, test.headers...)
			want := test.status
			if want == 0 {
				want = http.StatusBadRequest
			}
			assert.Equal(t, want, got.status, got.body)
			assertError(t, got, test.code, test.field)
			assert.Equal(t, dump, s.do("GET", "/v4/default/admin/dump", "").body)
		})
	}
	s.t = t
}
