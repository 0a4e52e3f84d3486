package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sort"
)

// block is a fault at work, as the generator has it: what it does is due at times of its own.
type block interface {
	next() int64                  // never once it is over
	act(g *load, due int64) error // does what is due at next: at most one change
}

// script is a block that plans what it does when it begins.
type script struct {
	plan    func(*plot) []moment // nil once it has begun
	plot    plot
	moments []moment // what is left, in order
}

// plot is what a plan knows: the world as it is when the fault begins, and the fault's own random
// numbers.
type plot struct {
	*load
	f      Fault
	number int // of the fault in the scenario
	begin  int64
	end    int64 // begin + Length
	rng    *rand.Rand
	bit    uint16 // of the consumers that it strikes, if it does that

	// A moment may add one that is no earlier: so what is repeated doesn't fill the memory.
	later func(moment)
}

// moment is a time and what is to be done then: at most one change.
type moment struct {
	at int64
	do func(g *load, due int64) error
}

func (s *script) next() int64 {
	switch {
	case s.plan != nil:
		return s.plot.begin
	case len(s.moments) == 0:
		return never
	}
	return s.moments[0].at
}

// act first plans, which is no change; the driver then asks again for what is due.
func (s *script) act(g *load, due int64) error {
	if s.plan != nil {
		s.plot.later = s.later
		s.moments, s.plan = s.plan(&s.plot), nil
		slices.SortStableFunc(s.moments, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
		return nil
	}
	do := s.moments[0].do
	s.moments = s.moments[1:]
	return do(g, due)
}

// later adds a moment in its place, behind others at the same time.
func (s *script) later(m moment) {
	i := sort.Search(len(s.moments), func(i int) bool { return s.moments[i].at > m.at })
	s.moments = slices.Insert(s.moments, i, m)
}

// newBlocks has the generator do what the stages and faults of a scenario do, from time recorded.
func (g *load) newBlocks(recorded int64) (blocks []block) {
	s := &g.st.s
	at, pcg := recorded, newPCG(s.Seed, streamBursts)
	bursts := rand.New(&pcg) // for one after the other
	for i := range s.Stages {
		if s.Stages[i].Burst > 0 && g.replay == nil {
			blocks = append(blocks, &script{plan: planBurst, plot: plot{
				load: g, f: Fault{Count: s.Stages[i].Burst}, begin: at, end: at, rng: bursts,
			}})
		}
		at += int64(s.Stages[i].Length)
	}
	n := make(map[string]uint64)
	for i := range s.Faults {
		f := s.Faults[i].Effective()
		pcg := f.stream(s.Seed, n[f.Kind])
		n[f.Kind]++
		begin := recorded + int64(f.Start)
		p := plot{load: g, f: f, number: i, begin: begin, end: begin + int64(f.Length),
			rng: rand.New(&pcg)}
		for bit, x := range g.st.strikes {
			if x.number == i {
				p.bit = 1 << bit
			}
		}
		if plan := faultKinds[kindOf(f.Kind)].plan; plan != nil {
			blocks = append(blocks, &script{plan: plan, plot: p})
		}
	}
	return blocks
}

// stream is the random numbers of the n-th fault of a kind, so that others don't change them.
func (f *Fault) stream(seed, n uint64) rand.PCG {
	return newPCG(seed, streamFaults+uint64(kindOf(f.Kind))*faultsOfAKind+n)
}
