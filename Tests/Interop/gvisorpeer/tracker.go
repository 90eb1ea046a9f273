package main

// tracker tells lost, doubled and late packets apart by their numbers.
type tracker struct {
	seen []uint64
	// next is one more than the highest number so far.
	next       uint64
	distinct   uint64
	duplicated uint64
	reordered  uint64
}

// highest is a number that no sender reaches. More would make the table of what was seen too large.
const highest = 1 << 32

func (t *tracker) add(sequence uint64) {
	if sequence >= highest {
		t.reordered++
		return
	}
	word, bit := sequence/64, uint64(1)<<(sequence%64)
	for uint64(len(t.seen)) <= word {
		t.seen = append(t.seen, 0)
	}
	switch {
	case t.seen[word]&bit != 0:
		t.duplicated++
		return
	case sequence < t.next:
		t.reordered++
	default:
		t.next = sequence + 1
	}
	t.seen[word] |= bit
	t.distinct++
}

func (t *tracker) fill(to *transfer) {
	to.Lost, to.Duplicated, to.Reordered = t.next-t.distinct, t.duplicated, t.reordered
}
