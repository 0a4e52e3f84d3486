package sim

import "github.com/notifylab/notifylab/notify/registry"

// Asked is one question of a pull and its answer.
type Asked struct {
	Provider registry.Key // its version is the rule
	registry.Answer
}

// Pull has consumer i pull now. Where meanwhile isn't nil it is called before each answer, but not
// once the pull holds up the lane.
func (r *Rig) Pull(i int, meanwhile func()) (out []Asked) {
	c, now := &r.consumers[i], r.stage.now
	defer func() { r.stage.now = now }()
	if meanwhile != nil {
		r.stage.now = func() int64 { // the hub asks for the time of each answer
			if c.lane.mu.TryLock() {
				c.lane.mu.Unlock()
				meanwhile()
			}
			return r.Now
		}
	}
	c.lane.pull(c)
	for i, q := range c.view.log.pulls.questions {
		out = append(out, Asked{q.provider, c.lane.found[i]})
	}
	return out
}

// JoinPull has consumer i take the answers of another of its group, if it may.
func (r *Rig) JoinPull(i int) bool { return r.consumers[i].lane.joinPull(&r.consumers[i]) }

// Version is the version of the answers that consumer i has.
func (r *Rig) Version(i int) int32 { return r.consumers[i].pulled }

// Questions are the providers that a group's consumers ask for, with the rules as versions.
func (r *Rig) Questions(group int) (out []registry.Key) {
	for _, q := range r.Log(group).pulls.questions {
		out = append(out, q.provider)
	}
	return out
}

// Kept is how many revisions of answers are kept for group i.
func (r *Rig) Kept(group int) (n int) {
	for _, got := range r.Log(group).pulls.got {
		n += len(got)
	}
	return n
}

// Group is the id of the consumer's service.
func (c *consumer) Group() string { return c.view.log.id }

// Apply changes an instance of the truth, and nobody is told.
func (r *Rig) Apply(in registry.Instance) error {
	_, _, err := r.truth.change(r.Now, func(reg *registry.Registry) (registry.Change, error) {
		return reg.Update(in)
	})
	return err
}
