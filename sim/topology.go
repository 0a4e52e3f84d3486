package sim

import (
	"errors"

	"github.com/notifylab/notifylab/notify/registry"
)

// Topology is the shape of a world: which services there are, with how many instances each, and
// who depends on whom. It comes from a dump (ReadDump) or a workload (Generate), is only read from
// then on, and builds as many equal worlds as are asked for.
type Topology struct {
	Name     string
	Services []ServiceSpec    // in an order that follows from their keys or numbers
	Rules    []DependencySpec // at most one per consumer, in the order of their keys or numbers
	Orphans  []Orphan         // what the dump held and the topology doesn't
}

// ServiceSpec is a service and its instances.
type ServiceSpec struct {
	Service   registry.Service
	Instances int                 // how many
	Real      []registry.Instance // those of a dump, by id; nil where they are synthesised
}

// DependencySpec is what one consumer wants.
type DependencySpec struct {
	Consumer  registry.Key
	Providers []registry.Key // the version is a rule
}

// Orphan is a record of a dump that hangs on something that isn't there.
type Orphan struct {
	Key    string // of the record
	Reason string
}

// What the functions on topologies return wraps one of these, unless reading itself failed. The
// message names the field or record and what it accepts.
var (
	ErrDump     = errors.New("sim: not a usable service-center dump")
	ErrWorkload = errors.New("sim: unusable workload")
	ErrWorld    = errors.New("sim: impossible world")
)

// TotalInstances adds up the instances of all services.
func (t *Topology) TotalInstances() int {
	total := 0
	for i := range t.Services {
		total += t.Services[i].Instances
	}
	return total
}
