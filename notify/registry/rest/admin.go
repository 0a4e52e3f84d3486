package rest

import (
	"net/http"

	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/registry"
)

const adminTenant = "default/default"

// admin refuses those whose request is about another tenant: these paths tell of all.
func (c *call) admin() error {
	if c.tenant != adminTenant {
		return fail(CodeForbidden, "project and X-Domain-Name %q: want %s", c.tenant, adminTenant)
	}
	return nil
}

// alarms answers {"alarms":[…]}, by id, cleared ones too.
func (c *call) alarms() (any, error) {
	if err := c.admin(); err != nil {
		return nil, err
	}
	list := []alarm.Alarm{}
	if c.config.Alarms != nil {
		list = c.config.Alarms.List()
	}
	return map[string][]alarm.Alarm{"alarms": list}, nil
}

// clearAlarms clears what is lit. The alarms stay listed, as cleared; and where not all can be
// told, those that could be are cleared.
func (c *call) clearAlarms() (any, error) {
	if err := c.admin(); err != nil || c.config.Alarms == nil {
		return nil, err
	}
	_, err := c.config.Alarms.ClearAll(c.now)
	return nil, err
}

// clearAlarm clears one alarm. It is not in service-center, where an operator who has dealt with
// one clears the others too, seen or not.
func (c *call) clearAlarm() (any, error) {
	if err := c.admin(); err != nil {
		return nil, err
	}
	id := c.r.PathValue("alarmId")
	if c.config.Alarms == nil {
		return nil, refused(http.StatusNotFound, "alarmId %q: want one that is listed, and there "+
			"are none", shorten(id))
	}
	return nil, c.config.Alarms.Clear(alarm.ID(id), c.now)
}

// health names the server itself at the address where the client has found it: clients take these
// endpoints for those of the cluster.
func (c *call) health() (any, error) {
	self := &registry.Instance{ID: cluster, Endpoints: []string{"rest://" + c.r.Host},
		Status: registry.StatusUp, Version: c.config.Version}
	return instancesBody{[]*registry.Instance{self}}, nil
}

// version answers {"version","apiVersion"}; clients look at the second to know what they may call.
func (c *call) version() (any, error) {
	return map[string]string{"version": c.config.Version, "apiVersion": "4.0.0"}, nil
}
