package server

import (
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

// Keeper is what keeps the instances, to be driven in explicit time.
type Keeper struct{ *keeper }

func NewKeeper(c Config, w *sim.World, h *registry.Hub, now time.Time) Keeper {
	k := newKeeper(&c, w, h)
	k.begin(now)
	return Keeper{k}
}

func (k Keeper) Next() time.Time         { return k.next() }
func (k Keeper) Act(now time.Time) error { return k.act(now) }
func (k Keeper) Changes() uint64         { return k.changes.Load() }
func (k Keeper) LagMax() time.Duration   { h, _ := k.lag.all(); return summary(h).Max }

var (
	Lister     = lister
	EncodeView = encodeView
)

// Frames encodes events as gRPC.
type Frames struct{ frames }

func (f *Frames) Encode(ev *notify.Event) ([]byte, error) { return f.encode(ev) }

// Engine is the one that a server publishes through.
func (s *Server) Engine() *notify.Engine { return s.engine }
