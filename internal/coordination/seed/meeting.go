package seed

import (
	"fmt"
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
)

// age of someone whom some service takes.
func (d *directory) age(dice dice) int {
	band := pick(dice, ageBands)
	age := dice.between(band.from, band.to)
	if age < d.youngest {
		return dice.between(adult, 24)
	}
	return age
}

// meet writes down who the person is, on the day of their first request.
func (s *story) meet(number, given, family string, day, born time.Time) {
	if s.d.chance(0.01) {
		number = ""
	}
	s.meetPersona(number, given, family, day, born)
}

// meetPersona writes down who the person is; no number is one that is not known.
func (s *story) meetPersona(number, given, family string, day, born time.Time) {
	s.p = &person{id: s.d.newPersonID(), born: born}
	if len(s.r.directory.neighbourhoods) > 0 {
		s.p.neighbourhood = one(s.d, s.r.directory.neighbourhoods)
	}
	var nhsNumber, absent any = number, nil
	if number == "" {
		nhsNumber, absent = nil, one(s.d, []string{"NotKnownYet", "NeverIssued"})
	}
	s.t.add(day, people, s.p.id, nhsNumber, absent, namePrefix+family, given, born)

	employment, language := pick(s.d, employments), pick(s.d, languages)
	if london.Age(born, day) >= 67 {
		employment = "Retired"
	}
	var interpreter any
	if language != "en" {
		interpreter = one(s.d, []string{"Needed", "NotNeeded"})
	}
	conditions := []string{}
	if s.d.chance(0.28) {
		conditions = append(conditions, one(s.d, []string{"Schizophrenia", "BipolarDisorder", "OtherPsychosis"}))
	}
	if s.d.chance(0.3) {
		conditions = append(conditions, one(s.d, []string{"AsthmaOrCOPD", "Autism", "ChronicPain", "Diabetes", "Hypertension", "Obesity"}))
	}
	s.t.add(day, details, s.p.id, language, interpreter, pick(s.d, ethnicities), pick(s.d, genders), employment, pick(s.d, accommodations), pick(s.d, carings),
		pick(s.d, []share[string]{{"Disabled", 31}, {"NotDisabled", 58}, {"NotStated", 11}}), conditions)
	if s.d.chance(0.97) {
		s.t.add(day, registrations, s.d.newID(day), s.p.id, fmt.Sprintf("Z%05d", 100+s.d.IntN(60)), days(day, -s.d.between(30, 4000)))
	}
	s.reside(day)
}

// reside gives an address of a street that is nowhere: ZZ99 is no place's postcode, and no area has such a code.
func (s *story) reside(day time.Time) {
	var neighbourhood any
	if s.p.neighbourhood != "" {
		neighbourhood = s.p.neighbourhood
	}
	from := days(day, -s.d.between(10, 3000))
	if s.d.chance(0.015) {
		s.t.add(day, residences, s.d.newID(day), s.p.id, "NoFixedAbode", []string{}, nil, nil, neighbourhood, nil, nil, from)
		return
	}
	decile := pick(s.d, deprivation)
	s.t.add(day, residences, s.d.newID(day), s.p.id, "Address", []string{fmt.Sprintf("%d Invented Street", s.d.between(1, 240))}, "ZZ99 3VZ",
		fmt.Sprintf("E01%06d", 990000+decile*100+s.d.IntN(90)), neighbourhood, decile, 2019, from)
}
