package registry_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
)

func TestSetStatusAndSetPropertiesMakeOneUpdateEach(t *testing.T) {
	r := world(t, "cart", "web")
	depend(t, r, "web", key("cart", "0+"))
	whole := registry.Instance{ID: "i", ServiceID: "cart", Endpoints: []string{"rest://10.0.0.1"},
		HostName: "node-1", Properties: map[string]string{"zone": "a"}, HealthCheck: push(10, 2),
		Timestamp: 7, ModTimestamp: 7, DataCenter: &registry.DataCenter{Name: "dc"}}
	first, err := r.Register(whole)
	require.NoError(t, err)
	want := *first.Instance

	for i, status := range []string{"DOWN", "STARTING", "TESTING", "OUTOFSERVICE", "UP", "UP"} {
		before := r.Revision()
		c, err := r.SetStatus("cart", "i", status, at(i))
		require.NoError(t, err)
		assert.Equal(t, registry.Update, c.Action)
		assert.Equal(t, before+1, c.Revision)
		assert.Equal(t, []string{"web"}, c.Consumers)
		want.Status, want.ModTimestamp = status, at(i).Unix()
		assert.Equal(t, want, *c.Instance, "nothing else changed")
		assert.Same(t, c.Instance, r.Instances("cart")[0])
	}
	for i, properties := range []map[string]string{{"zone": "b"}, {"zone": "b"}, nil} {
		before := r.Revision()
		c, err := r.SetProperties("cart", "i", properties, at(i))
		require.NoError(t, err)
		assert.Equal(t, registry.Update, c.Action)
		assert.Equal(t, before+1, c.Revision)
		want.Properties, want.ModTimestamp = properties, at(i).Unix()
		assert.Equal(t, want, *c.Instance)
	}
	assert.Equal(t, map[string]string{"zone": "a"}, first.Instance.Properties, "immutable")
	assert.Equal(t, "UP", first.Instance.Status)
}

func TestSetStatusRefusesWhatIsNoStatusAndNobody(t *testing.T) {
	r := world(t, "cart")
	register(t, r, "cart", "i")
	before := r.Revision()
	for _, status := range []string{"", "up", "GONE", "UP "} {
		_, err := r.SetStatus("cart", "i", status, at(0))
		require.ErrorIs(t, err, registry.ErrInvalid, "SetStatus(%q)", status)
		assert.ErrorContains(t, err, "OUTOFSERVICE", "names the accepted")
	}
	_, err := r.SetStatus("cart", "j", "UP", at(0))
	require.ErrorIs(t, err, registry.ErrUnknownInstance)
	_, err = r.SetStatus("nowhere", "i", "UP", at(0))
	require.ErrorIs(t, err, registry.ErrUnknownService)
	_, err = r.SetProperties("cart", "j", nil, at(0))
	require.ErrorIs(t, err, registry.ErrUnknownInstance)
	_, err = r.SetProperties("nowhere", "i", nil, at(0))
	require.ErrorIs(t, err, registry.ErrUnknownService)
	assert.Equal(t, before, r.Revision())
}

func TestSettingStatusOrPropertiesIsNoSignOfLife(t *testing.T) {
	r := leased(t, 1, registry.LeaseConfig{})
	_, err := r.SetStatus("cart", "i0", registry.StatusOutOfService, at(20))
	require.NoError(t, err)
	_, err = r.SetProperties("cart", "i0", map[string]string{"zone": "b"}, at(20))
	require.NoError(t, err)
	e := r.Expire(at(30))
	require.Equal(t, []string{"i0"}, goneOf(e))
	assert.Equal(t, "OUTOFSERVICE", e.Changes[0].Instance.Status, "the last state")
}
