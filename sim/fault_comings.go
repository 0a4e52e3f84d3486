package sim

// The plans of the faults by which consumers come, go, or go on.

// asks is a request to the lane of a consumer: the generator never takes a lane's lock, or it would
// wait for consumers.
func asks(at int64, kind askKind, c *consumer) moment {
	return moment{at, func(*load, int64) error {
		c.lane.ask(request{kind: kind, c: c})
		return nil
	}}
}

// planThaw lets those go on whom the fault has slowed or stopped. That it is over they would see by
// themselves at their next event, but who is stopped takes none, and who is slowed may be at one
// for longer than the rest of the run.
func planThaw(p *plot) (out []moment) {
	for i := range p.st.consumers {
		if c := &p.st.consumers[i]; c.strikes&p.bit != 0 {
			out = append(out, asks(p.end, askThaw, c))
		}
	}
	return out
}

// planRestart breaks all connections; who is connecting at that moment has none. That nobody gets
// back before the end is in unreachable.
func planRestart(p *plot) (out []moment) {
	for i := range p.st.consumers {
		out = append(out, asks(p.begin, askCut, &p.st.consumers[i]))
	}
	return out
}

// planCrashes has each of those that it hits crash once a period, not all at the same time: what
// puts them into the loop is their own, unlike what a restart of the registry does to everybody.
func planCrashes(p *plot) (out []moment) {
	total := len(p.st.consumers)
	who := p.rng.Perm(total)[:part(p.f.Share, total)]
	for n, i := range who {
		first := p.begin + int64(float64(p.f.Period)*(float64(n)/float64(len(who))))
		out = append(out, p.crash(first, &p.st.consumers[i])...)
	}
	return out
}

// crash is one crash of a consumer, and the next ones; none once the fault is over.
func (p *plot) crash(at int64, c *consumer) []moment {
	if at >= p.end {
		return nil
	}
	return []moment{{at, func(*load, int64) error {
		for _, next := range p.crash(at+int64(p.f.Period), c) {
			p.later(next)
		}
		c.lane.ask(request{kind: askCrash, c: c})
		return nil
	}}}
}

// planChurn is as Scenario.ConsumerChurn.
func planChurn(p *plot) []moment { return p.churnFrom(p.begin) }

// churnFrom is the next that leaves, crashes or is cut after a time, and those after it. Gaps are
// drawn one at a time: over an hour a large world has more of them than fit into memory.
func (p *plot) churnFrom(at int64) []moment {
	rate := p.f.Share * float64(len(p.st.consumers))
	if rate == 0 {
		return nil
	}
	if at += p.gap(p.rng, rate); at >= p.end {
		return nil
	}
	return []moment{{at, func(*load, int64) error {
		c := &p.st.consumers[p.rng.IntN(len(p.st.consumers))]
		c.lane.ask(request{kind: leavings[p.rng.IntN(len(leavings))], c: c})
		for _, next := range p.churnFrom(at) {
			p.later(next)
		}
		return nil
	}}}
}

// leavings are the ways in which consumers come and go.
var leavings = [...]askKind{askLeave, askCrash, askCut}
