package seed

import (
	"fmt"

	"github.com/cmhf/operator/internal/coordination/nhsnumber"
)

// Names that nobody bears. Every family name begins with ZZ, as names of test records do in the NHS, so that a list, a print or an
// export shows at a glance that nobody real is meant.
var (
	givenNames = []string{"Testina", "Samplo", "Mockabel", "Fictor", "Pretendra", "Demolina", "Inventa", "Proxima-Test", "Dummilla", "Madeupa",
		"Placeholda", "Exampla", "Fabricus", "Imagina", "Nonesuch", "Trialbert", "Specimena", "Makebelievia", "Simulus", "Unrealda"}
	familyRoots = []string{"Samplewick", "Mockhampton", "Fictley", "Pretendle", "Demoworth", "Inventham", "Dummerby", "Madeupton", "Placeholdern", "Examplesby",
		"Fabriston", "Imaginford", "Nonesuchby", "Trialthorpe", "Specimere", "Believington", "Simulton", "Unrealby", "Testerleigh", "Notareal",
		"Syntheticot", "Phantomley", "Neverborne", "Fauxbridge", "Quasiham", "Pseudowell", "Stubbleton-Test", "Randomby", "Figmentley", "Fableham"}
)

const namePrefix = "ZZ "

// rangePrefix begins the numbers that are never issued to anybody.
const rangePrefix = "999"

// maxPeople is how many numbers with a correct check digit the range has, rounded down, without those used in examples and tests.
const maxPeople = 900_000

// firstOfRange leaves the lowest numbers of the range to examples, demonstrations and tests.
const firstOfRange = 5_000

// nhsNumbers gives that many different numbers of the range.
func nhsNumbers(count int) []string {
	numbers := make([]string, 0, count)
	for n := firstOfRange; len(numbers) < count; n++ {
		nine := fmt.Sprintf("%s%06d", rangePrefix, n%1_000_000)
		if digit, ok := nhsnumber.CheckDigit(nine); ok {
			numbers = append(numbers, nine+string(digit))
		}
	}
	return numbers
}
