package seed

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// dice are one person's: the same seed and person always fall the same way, whatever else is made.
type dice struct{ *rand.Rand }

func diceOf(seed uint64, person int) dice {
	return dice{rand.New(rand.NewPCG(seed, uint64(person)))} //nolint:gosec // invented people need the same dice each time, not secrets
}

// chance is true in that share of throws.
func (d dice) chance(share float64) bool { return d.Float64() < share }

// between gives a whole number from low to high, both included.
func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

// around gives a number of days with the median, most of them between a half and the double of it when spread is 0.7.
func (d dice) around(median, spread float64) int {
	return int(math.Round(median * math.Exp(d.NormFloat64()*spread)))
}

// newID gives a version 7 identifier of the day, newPersonID a version 4 one: a person's identifier says nothing.
func (d dice) newID(day time.Time) [16]byte {
	id := d.newPersonID()
	milliseconds := uint64(closeOfDay(day).UnixMilli()) //nolint:gosec // after 1970
	for i := range 6 {
		id[i] = byte(milliseconds >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	return id
}

func (d dice) newPersonID() [16]byte {
	var id uuid.UUID
	high, low := d.Uint64(), d.Uint64()
	for i := range 8 {
		id[i], id[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// share is a value and how often it comes up, in any unit.
type share[T any] struct {
	value  T
	weight float64
}

func pick[T any](d dice, shares []share[T]) T {
	total := 0.0
	for _, s := range shares {
		total += s.weight
	}
	thrown := d.Float64() * total
	for _, s := range shares {
		if thrown -= s.weight; thrown < 0 {
			return s.value
		}
	}
	return shares[len(shares)-1].value
}

func one[T any](d dice, of []T) T { return of[d.IntN(len(of))] }
