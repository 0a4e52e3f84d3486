package sim

import (
	"strconv"
	"strings"

	"github.com/notifylab/notifylab/notify/registry"
)

// instanceMaker synthesises the instances of one service. All of them share what they can.
type instanceMaker struct {
	prefix   string            // of their ids: the service's number in the topology
	pattern  registry.Instance // what they have in common
	forms    []endpointForm
	firstOct uint32 // the address of number 0, in 10.0.0.0/8
}

// endpointForm is an endpoint around its host.
type endpointForm struct{ before, after string }

// A machine of the simulated data centre holds this many neighbouring addresses.
const instancesPerNode = 32

func newInstanceMaker(index int, s *ServiceSpec, firstOct uint32) *instanceMaker {
	m := &instanceMaker{prefix: "s" + strconv.Itoa(index) + "-", firstOct: firstOct}
	if len(s.Real) == 0 {
		m.forms = []endpointForm{{"rest://", ":8080"}}
		m.pattern = registry.Instance{
			HealthCheck: &registry.HealthCheck{Mode: "push", Interval: 30, Times: 3},
		}
	} else {
		m.pattern = s.Real[0]
		for _, e := range m.pattern.Endpoints {
			m.forms = append(m.forms, splitEndpoint(e))
		}
	}
	m.pattern.ServiceID, m.pattern.Version = s.Service.ID, s.Service.Version
	m.pattern.Status = registry.StatusUp
	m.pattern.Timestamp, m.pattern.ModTimestamp = 0, 0
	m.pattern.Endpoints = nil
	return m
}

func (m *instanceMaker) instance(n int) registry.Instance {
	in := m.pattern
	address := (m.firstOct + uint32(n)) % instancesMax
	var buf [64]byte
	in.ID = string(strconv.AppendInt(append(buf[:0], m.prefix...), int64(n), 10))
	in.HostName = string(strconv.AppendUint(append(buf[:0], "node-"...),
		uint64(address/instancesPerNode), 10))
	if len(m.forms) == 0 {
		return in
	}
	in.Endpoints = make([]string, len(m.forms))
	for i, form := range m.forms {
		b := append(append(buf[:0], form.before...), "10"...)
		for shift := 16; shift >= 0; shift -= 8 {
			b = strconv.AppendUint(append(b, '.'), uint64(address>>shift&0xff), 10)
		}
		in.Endpoints[i] = string(append(b, form.after...))
	}
	return in
}

// splitEndpoint cuts the host out of scheme://host:port/path; scheme, port and path may be absent.
func splitEndpoint(endpoint string) endpointForm {
	scheme, rest, ok := strings.Cut(endpoint, "://")
	if ok {
		scheme += "://"
	} else {
		scheme, rest = "", endpoint
	}
	host := strings.IndexAny(rest, ":/?")
	if strings.HasPrefix(rest, "[") { // IPv6
		host = strings.IndexByte(rest, ']') + 1
	}
	if host < 0 {
		host = len(rest)
	}
	return endpointForm{scheme, rest[host:]}
}
