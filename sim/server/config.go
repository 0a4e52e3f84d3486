package server

import (
	"errors"
	"fmt"
	"net"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim"
)

// ErrConfig is what the errors of Config.Validate wrap.
var ErrConfig = errors.New("server: unusable configuration")

// RateMax is more changes per second than a registry makes.
const RateMax = 1e6

// Config says what is served, and where. Listener and Topology are required.
type Config struct {
	Listener net.Listener // HTTP and WebSocket; Run closes it
	GRPC     net.Listener // nil: there is none; Run closes it

	Topology  *sim.Topology
	Providers int // instances; 0: as many as the topology has

	Rate  float64 // changes of the server's own instances per second, up to RateMax; 0: none
	Churn float64 // share of them that are a deregistration or a registration, 0 to 1
	Seed  uint64  // of the times and the choices

	Version string      // that clients are told; "" means 0.0.0
	Clock   clock.Clock // nil means clock.Real
}

// Validate reports everything that is wrong with c.
func (c *Config) Validate() error {
	var errs []error
	bad := func(field string, got any, want string) {
		errs = append(errs, fmt.Errorf("%w: %s %v: want %s", ErrConfig, field, got, want))
	}
	if c.Listener == nil {
		bad("Listener", nil, "one that listens")
	}
	if !(c.Rate >= 0 && c.Rate <= RateMax) { // so that NaN is wrong, too
		bad("Rate", c.Rate, fmt.Sprintf("0 (no changes) to %g per second", RateMax))
	}
	if !(c.Churn >= 0 && c.Churn <= 1) {
		bad("Churn", c.Churn, "a share, 0 to 1")
	}
	if c.Topology == nil {
		bad("Topology", nil, "a world to serve")
	} else if err := c.Topology.Check(0, c.Providers); err != nil {
		errs = append(errs, fmt.Errorf("%w: %w", ErrConfig, err))
	}
	return errors.Join(errs...)
}
