package sim

// Struck lists the consumers that a fault of the scenario happens to.
func (r *Rig) Struck(fault int) (out []int) {
	for bit, x := range r.strikes {
		for i := range r.consumers {
			if x.number == fault && r.consumers[i].strikes&(1<<bit) != 0 {
				out = append(out, i)
			}
		}
	}
	return out
}
