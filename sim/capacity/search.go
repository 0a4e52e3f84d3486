package capacity

import "math"

// Search finds where a load stops meeting objectives: it grows from a start, by a factor that is
// squared with every step, and then bisects on the scale of logarithms. It takes for granted that
// there is one such place. It runs nothing: Next says what to try and Tell takes what came of it.
type Search struct {
	Min, Max  float64 // loads to stay within
	Tolerance float64 // bound on (beyond − limit) / limit, such as 0.02
	Whole     bool    // loads are whole numbers

	next   float64
	factor float64
	phase  string
	limit  float64 // the largest load that met; 0: none yet
	beyond float64 // the smallest that didn't; 0: none yet
}

// The phases of a search.
const (
	Grow    = "grow"
	Bisect  = "bisect"
	Confirm = "confirm"
)

// Begin starts the search at a load. The first factor is above 1.
func (s *Search) Begin(start, factor float64) {
	s.next, s.factor, s.phase = s.within(start), factor, Grow
	s.limit, s.beyond = 0, 0
}

// Next is the load to try, and the phase that it belongs to; more is false when all is known.
func (s *Search) Next() (load float64, phase string, more bool) {
	return s.next, s.phase, s.next > 0
}

// Tell says whether the objectives were met at the load that Next gave.
func (s *Search) Tell(meets bool) {
	if meets {
		s.limit = s.next
	} else {
		s.beyond = s.next
	}
	switch last := s.next; {
	case s.limit > 0 && s.beyond > 0:
		s.halve()
	case meets && last >= s.Max, !meets && last <= s.Min:
		s.next = 0
	case meets:
		s.grow(last * s.factor)
	default:
		s.grow(last / s.factor)
	}
}

// Skip goes on to a larger load, where the one that Next gave can't be judged and none has met the
// objectives; false means that there is none to go on to.
func (s *Search) Skip() bool {
	if s.limit > 0 || s.beyond > 0 || s.next >= s.Max {
		return false
	}
	s.Min = s.next
	s.grow(s.next * s.factor)
	return true
}

// grow goes on to a load, or to the next one there is on that side.
func (s *Search) grow(to float64) {
	last := s.next
	s.next = s.within(to)
	if s.Whole && s.next == last {
		s.next = s.within(last + math.Copysign(1, to-last))
	}
	s.factor = min(s.factor*s.factor, 2)
}

// halve tries the middle of the bracket, or ends when it is narrow enough.
func (s *Search) halve() {
	s.phase = Bisect
	middle := s.within(math.Sqrt(s.limit * s.beyond))
	if s.Whole {
		middle = max(middle, s.limit+1)
	}
	if s.beyond-s.limit <= s.Tolerance*s.limit || middle <= s.limit || middle >= s.beyond {
		s.next = 0
		return
	}
	s.next = middle
}

// within brings a load to one that can be run.
func (s *Search) within(load float64) float64 {
	if s.Whole {
		load = math.Floor(load)
	} else if load > 0 { // five digits, for those who read it
		unit := math.Pow(10, math.Floor(math.Log10(load))-4)
		load = math.Round(load/unit) * unit
	}
	return min(max(load, s.Min), s.Max)
}

// Found is the largest load that met the objectives and the smallest that didn't; 0: none.
func (s *Search) Found() (limit, beyond float64) { return s.limit, s.beyond }

// Steps is how many more loads are tried, at most, once there is a bracket; a guess before.
func (s *Search) Steps() int {
	if s.next == 0 {
		return 0
	}
	ratio := 2.0
	if s.limit > 0 && s.beyond > 0 {
		ratio = s.beyond / s.limit
	}
	return 1 + max(int(math.Ceil(math.Log2(math.Log(ratio)/math.Log1p(s.Tolerance)))), 0)
}
