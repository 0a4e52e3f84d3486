package sim

import (
	"time"
)

// server is a shard.
type server struct {
	free  int64 // its last step has ended
	armed int64 // it wants to be stepped, though nothing comes in
}

// serve steps a shard and occupies it for as long as that takes.
func (v *virtual) serve(i int) {
	s := &v.servers[i]
	v.doing, v.taken, v.woken = i, 0, 0
	if s.free < v.at {
		v.woken = v.cost.Wake
	}
	w, err := v.engine.StepShard(i, v.stage.truth.epoch.Add(time.Duration(v.at)))
	v.doing = -1
	if err != nil { // nobody else drives this engine
		v.err = err
		return
	}
	s.armed = never
	if !w.Next.IsZero() {
		s.armed = v.stage.at(w.Next)
	}
	if !w.Idle {
		s.free = v.at + int64(v.woken+v.cost.of(&w))
	}
}
