package sim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
)

const trainTicketFile = "testdata/train-ticket.dump.json"

func trainTicket(t testing.TB) *sim.Topology {
	t.Helper()
	raw, err := os.ReadFile(trainTicketFile)
	require.NoError(t, err)
	topology, err := sim.ReadDump(bytes.NewReader(raw), "train-ticket")
	require.NoError(t, err)
	return topology
}

func TestAByteOrderMarkIsNoPartOfADump(t *testing.T) {
	raw, err := os.ReadFile(trainTicketFile)
	require.NoError(t, err)
	topology, err := sim.ReadDump(strings.NewReader("\ufeff"+string(raw)), "train-ticket")
	require.NoError(t, err)
	assert.Equal(t, trainTicket(t), topology)
}

func TestTrainTicketHasItsPublishedShape(t *testing.T) {
	topology := trainTicket(t)
	assert.Equal(t, "train-ticket", topology.Name)
	assert.Len(t, topology.Services, 42+1)
	assert.Equal(t, 126+1, topology.TotalInstances())
	assert.Empty(t, topology.Orphans)
	own := 0
	for _, s := range topology.Services {
		if s.Service.Name == "SERVICECENTER" {
			own++
			assert.Len(t, s.Real, 1)
			assert.Equal(t, "SERVICECENTER", s.Service.Alias)
			continue
		}
		require.Len(t, s.Real, 3, s.Service.Name)
		assert.EqualValues(t, 1795318038, s.Real[0].Timestamp)
		assert.Equal(t, 30, s.Real[0].HealthCheck.Interval)
		assert.NotEmpty(t, s.Real[0].Endpoints)
	}
	assert.Equal(t, 1, own)

	w, err := topology.Build(10_000, 0)
	require.NoError(t, err)
	assert.Equal(t, 133, w.Edges)
	assert.Equal(t, 127, w.Instances)
	inMax, outMax, ui := 0, 0, ""
	for _, s := range w.Registry.Services() {
		inMax = max(inMax, len(w.Registry.Consumers(s.ID)))
		if out := len(w.Registry.Providers(s.ID)); out > outMax {
			outMax, ui = out, s.Name
		}
	}
	assert.Equal(t, 11, inMax)
	assert.Equal(t, 38, outMax)
	assert.Equal(t, "ts-ui-dashboard", ui)
}

func TestTheOrderOfADumpMeansNothing(t *testing.T) {
	raw, err := os.ReadFile(trainTicketFile)
	require.NoError(t, err)
	var dump map[string]map[string][]any
	require.NoError(t, json.Unmarshal(raw, &dump))
	rng := rand.New(rand.NewPCG(1, 2))
	for _, list := range dump["cache"] {
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	shuffled, err := json.Marshal(dump)
	require.NoError(t, err)
	got, err := sim.ReadDump(bytes.NewReader(shuffled), "train-ticket")
	require.NoError(t, err)
	assert.Equal(t, trainTicket(t), got)
}

func kv(key, value string) string { return fmt.Sprintf(`{"key":%q,"value":%s}`, key, value) }

func dumpOf(services, instances, rules string) string {
	return fmt.Sprintf(`{"cache":{"services":[%s],"instances":[%s],"dependencyRules":[%s]}}`,
		services, instances, rules)
}

const (
	svcKey  = "/cse-sr/ms/files/default/default/"
	instKey = "/cse-sr/inst/files/default/default/"
	ruleKey = "/cse-sr/ms/dep-rules/default/default/"
)

var (
	cart = kv(svcKey+"a", `{"serviceId":"a","appId":"shop","serviceName":"cart","version":"1.0"}`)
	web  = kv(svcKey+"b", `{"serviceId":"b","appId":"shop","serviceName":"web","version":"1.0",`+
		`"environment":""}`)
	cartInst = kv(instKey+"a/i", `{"serviceId":"a","instanceId":"i"}`)
	webRule  = kv(ruleKey+"c//shop/web/1.0",
		`{"Dependency":[{"tenant":"default/default","appId":"shop","serviceName":"cart",`+
			`"version":"latest"}]}`)
)

func TestRecordsThatHangOnNothingAreOrphans(t *testing.T) {
	rules := strings.Join([]string{
		kv(ruleKey+"c//shop/web/1.0", `{"Dependency":[
			{"appId":"shop","serviceName":"cart","version":"0+"},
			{"appId":"shop","serviceName":"later","version":"0+"},
			{"serviceName":"*"},
			{"tenant":"other/default","appId":"shop","serviceName":"cart","version":"0+"}]}`),
		kv(ruleKey+"c//shop/later/1.0", `{"Dependency":[{"appId":"shop","serviceName":"cart",
			"version":"0+"}]}`),
		kv(ruleKey+"c//shop/cart/1.0", `{}`),
		kv(ruleKey+"p//shop/cart/0+", `{"Dependency":[
			{"appId":"shop","serviceName":"web","version":"1.0","alias":"w"},
			{"appId":"shop","serviceName":"ghost","version":"1.0"}]}`),
		kv(ruleKey+"p//*", `{"Dependency":[{"tenant":"default/default","appId":"shop",
			"serviceName":"web","version":"1.0"}]}`),
	}, ",")
	instances := cartInst + "," + kv(instKey+"gone/i", `{"serviceId":"gone","instanceId":"i"}`)
	topology, err := sim.ReadDump(strings.NewReader(dumpOf(cart+","+web, instances, rules)), "x")
	require.NoError(t, err)
	require.Len(t, topology.Orphans, 3)
	assert.Equal(t, instKey+"gone/i", topology.Orphans[0].Key)
	assert.Contains(t, topology.Orphans[0].Reason, "service isn't in the dump")
	assert.Equal(t, ruleKey+"c//shop/web/1.0", topology.Orphans[1].Key)
	assert.Contains(t, topology.Orphans[1].Reason, "another tenant")
	assert.Equal(t, ruleKey+"p//shop/cart/0+", topology.Orphans[2].Key)
	assert.Contains(t, topology.Orphans[2].Reason, "ghost")
	assert.Len(t, topology.Rules, 2, "that of a consumer to come is kept")

	w, err := topology.Build(10, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, w.Registry.Providers("b"))
}

func TestMalformedDumpsAreErrorsThatNameThePlaceAndTheForm(t *testing.T) {
	whole, err := os.ReadFile(trainTicketFile)
	require.NoError(t, err)
	for _, c := range []struct{ name, in, place, form string }{
		{"empty", "", "the document", "want a JSON object"},
		{"blank", " \n", "the document", "want a JSON object"},
		{"no JSON", "hello", "after byte 1", "want a JSON document"},
		{"truncated", string(whole[:len(whole)/2]), "unexpected end", "want a JSON document"},
		{"two documents", dumpOf(cart, "", "") + "{}", "the document", "want a JSON document"},
		{"array", "[]", "the document: a JSON array", "want a JSON object"},
		{"no cache", `{"services":[]}`, "cache: empty", `{"cache":`},
		{"cache of null", `{"cache":null}`, "cache: empty", "want a JSON object"},
		{"cache of number", `{"cache":1}`, "cache: a JSON number", "want a JSON object"},
		{"no services", `{"cache":{}}`, "cache.services", "at least one service"},
		{"services of object", `{"cache":{"services":{}}}`, "services is a JSON object",
			"want a JSON array"},
		{"record of string", dumpOf(cart+`,"x"`, "", ""), "cache.services[1]: a JSON string",
			"want a JSON object"},
		{"record of null", dumpOf("null", "", ""), "cache.services[0]: empty",
			"want a JSON object"},
		{"key of number", dumpOf(`{"key":1,"value":{}}`, "", ""),
			"cache.services[0]: key is a JSON number", "want a JSON string"},
		{"no key", dumpOf(`{"value":{}}`, "", ""), "cache.services[0]",
			"/cse-sr/ms/files/{domain}"},
		{"foreign key", dumpOf(kv(instKey+"a/i", "{}"), "", ""), instKey + "a/i",
			"/cse-sr/ms/files/{domain}"},
		{"no value", dumpOf(`{"key":"`+svcKey+`a"}`, "", ""), "(" + svcKey + "a): value: empty",
			"want a JSON object"},
		{"other id", dumpOf(kv(svcKey+"b", `{"serviceId":"a"}`), "", ""), `value.serviceId "a"`,
			`"b" as in the key`},
		{"no version", dumpOf(kv(svcKey+"a", `{"serviceId":"a","serviceName":"x"}`), "", ""),
			`(` + svcKey + `a): value: `, "such as 1.0.0"},
		{"name of number", dumpOf(kv(svcKey+"a", `{"serviceId":"a","serviceName":5}`), "", ""),
			"value: serviceName is a JSON number", "want a JSON string"},
		{"service twice", dumpOf(cart+","+cart, "", ""), "cache.services[1]", "once"},
		{"key of two ids", dumpOf(cart+","+kv(svcKey+"c", `{"serviceId":"c","appId":"shop",
			"serviceName":"cart","version":"1.0","alias":"d"}`), "", ""), "cache.services[1]", "once"},
		{"time of number", dumpOf(kv(svcKey+"a", `{"serviceId":"a","serviceName":"x",
			"version":"1","timestamp":5}`), "", ""), "timestamp is a JSON number", "want a JSON string"},
		{"time of text", dumpOf(cart, kv(instKey+"a/i", `{"serviceId":"a","instanceId":"i",
			"timestamp":"now"}`), ""), `(` + instKey + `a/i): value.timestamp "now"`, "Unix seconds"},
		{"negative time", dumpOf(cart, kv(instKey+"a/i", `{"serviceId":"a","instanceId":"i",
			"modTimestamp":"-5"}`), ""), `value.modTimestamp "-5"`, "Unix seconds"},
		{"instance key", dumpOf(cart, kv(instKey+"a", "{}"), ""), "cache.instances[0]",
			"{serviceId}/{instanceId}"},
		{"instance twice", dumpOf(cart, cartInst+","+cartInst, ""), "cache.instances[1]", "once"},
		{"health check", dumpOf(cart, kv(instKey+"a/i", `{"healthCheck":5}`), ""),
			"healthCheck is a JSON number", "want a JSON object"},
		{"interval", dumpOf(cart, kv(instKey+"a/i", `{"healthCheck":{"interval":"30"}}`), ""),
			"healthCheck.interval is a JSON string", "want a whole JSON number"},
		{"endpoints", dumpOf(cart, kv(instKey+"a/i", `{"endpoints":"x"}`), ""),
			"endpoints is a JSON string", "want a JSON array"},
		{"rule side", dumpOf(cart, "", kv(ruleKey+"x//shop/web/1.0", "{}")),
			"cache.dependencyRules[0]", "{c|p}"},
		{"rule key", dumpOf(cart, "", kv(ruleKey+"c/web/1.0", "{}")),
			"cache.dependencyRules[0]", "{env}/{app}/{name}"},
		{"mirror key", dumpOf(cart, "", kv(ruleKey+"p/web/1.0", "{}")),
			"cache.dependencyRules[0]", "{env}/{app}/{name}"},
		{"consumer version", dumpOf(cart, "", kv(ruleKey+"c//shop/web/0+", "{}")),
			`key: registry: invalid: Version "0+"`, "such as 1.0.0"},
		{"rule version", dumpOf(cart, "", strings.Replace(webRule, "latest", "last", 1)),
			`value.Dependency[0]: registry: invalid: Version "last"`, "latest"},
		{"rule twice", dumpOf(cart, "", webRule+","+webRule), "cache.dependencyRules[1]",
			"one record"},
		{"dependency of object", dumpOf(cart, "", kv(ruleKey+"c//shop/web/1.0",
			`{"Dependency":{}}`)), "Dependency is a JSON object", "want a JSON array"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := sim.ReadDump(strings.NewReader(c.in), "x")
			require.ErrorIs(t, err, sim.ErrDump)
			assert.ErrorContains(t, err, c.place)
			assert.ErrorContains(t, err, c.form)
		})
	}
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	in := `{"cache":{"future":[1],"serviceTags":"?","services":[` +
		strings.Replace(cart, `{"key"`, `{"rev":"x","cluster":7,"lease":{},"key"`, 1) + `]},"v":2}`
	topology, err := sim.ReadDump(strings.NewReader(in), "x")
	require.NoError(t, err)
	assert.Len(t, topology.Services, 1)
}

func TestAFailingReaderIsNotAMalformedDump(t *testing.T) {
	broken := errors.New("disk on fire")
	_, err := sim.ReadDump(iotest.ErrReader(broken), "x")
	require.ErrorIs(t, err, broken)
	assert.NotErrorIs(t, err, sim.ErrDump)
}

func FuzzReadDump(f *testing.F) {
	f.Add(dumpOf(cart+","+web, cartInst, webRule))
	f.Add(dumpOf(cart, cartInst, kv(ruleKey+"p//*", `{"Dependency":[{"serviceName":"web"}]}`)))
	f.Add(dumpOf(web, cartInst, kv(ruleKey+"c//shop/web/1.0",
		`{"Dependency":[{"serviceName":"*"}]}`)))
	f.Add(`{"cache":{"services":null}}`)
	f.Fuzz(func(t *testing.T, in string) {
		topology, err := sim.ReadDump(strings.NewReader(in), "fuzz")
		if err != nil {
			require.ErrorIs(t, err, sim.ErrDump)
			return
		}
		// What is read can be built, unless nobody depends on anybody.
		if w, err := topology.Build(100, 0); err == nil {
			require.NotZero(t, w.Edges)
			require.Equal(t, topology.TotalInstances(), w.Instances)
		} else {
			require.ErrorContains(t, err, "consumers 100: want 0")
		}
	})
}
