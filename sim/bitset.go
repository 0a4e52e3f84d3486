package sim

// bitset is a set of small numbers.
type bitset []uint64

func (b bitset) has(i int) bool { return i >= 0 && i/64 < len(b) && b[i/64]&(1<<(i%64)) != 0 }

// set adds i and reports whether it is new.
func (b *bitset) set(i int) bool {
	for len(*b) <= i/64 {
		*b = append(*b, 0)
	}
	word, bit := &(*b)[i/64], uint64(1)<<(i%64)
	isNew := *word&bit == 0
	*word |= bit
	return isNew
}

// unset removes i and reports whether it was there.
func (b bitset) unset(i int) bool {
	if !b.has(i) {
		return false
	}
	b[i/64] &^= 1 << (i % 64)
	return true
}

// add adds all of c.
func (b *bitset) add(c bitset) {
	for i, word := range c {
		if i == len(*b) {
			*b = append(*b, 0)
		}
		(*b)[i] |= word
	}
}
