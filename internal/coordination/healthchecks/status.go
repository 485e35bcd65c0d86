package healthchecks

import (
	"slices"
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
)

// Element is one of the six core elements.
type Element string

// The elements (domain facts, section a7).
const (
	Alcohol       Element = "Alcohol"
	Glucose       Element = "Glucose"
	BloodPressure Element = "BloodPressure"
	BodyMass      Element = "BodyMass"
	Lipids        Element = "Lipids"
	Smoking       Element = "Smoking"
)

// Elements gives all six in the order in which they are shown.
func Elements() []Element {
	return []Element{Alcohol, Glucose, BloodPressure, BodyMass, Lipids, Smoking}
}

// State says how it stands with one element.
type State string

// The states of an element.
const (
	Current State = "Current"
	// Due: the last one is twelve months old or older.
	Due State = "Due"
	// Declined: offered within the last twelve months, and the person did not want it. It doesn't make a check complete.
	Declined State = "Declined"
	Missing  State = "Missing"
)

// Done is what happened with one element on a day (midnight UTC): it was measured, or offered and declined.
type Done struct {
	Element  Element
	On       time.Time
	Declined bool
}

// ElementStatus is how it stands with one element on a day.
type ElementStatus struct {
	Element    Element
	State      State
	MeasuredOn *time.Time
	DeclinedOn *time.Time
	// NextOn is when it is due again, or is to be offered again; nil when that is now.
	NextOn *time.Time
}

// Assess tells how it stands with each element. The check is complete when all six were measured within twelve months, however many
// visits that took (facts a7); an element counts until the day before it is twelve months old.
func Assess(all []Done, on time.Time) (elements []ElementStatus, complete bool) {
	complete = true
	for _, element := range Elements() {
		status := ElementStatus{Element: element, State: Missing}
		for _, done := range all {
			switch {
			case done.Element != element || done.On.After(on):
			case done.Declined:
				status.DeclinedOn = later(status.DeclinedOn, done.On)
			default:
				status.MeasuredOn = later(status.MeasuredOn, done.On)
			}
		}
		switch {
		case within(status.MeasuredOn, on):
			status.State, status.NextOn = Current, next(status.MeasuredOn)
		case within(status.DeclinedOn, on):
			status.State, status.NextOn = Declined, next(status.DeclinedOn)
		case status.MeasuredOn != nil:
			status.State = Due
		}
		complete = complete && status.State == Current
		elements = append(elements, status)
	}
	return elements, complete
}

// Lacking names the elements that keep a check from being complete.
func Lacking(elements []ElementStatus) []Element {
	lacking := []Element{}
	for _, status := range elements {
		if status.State != Current {
			lacking = append(lacking, status.Element)
		}
	}
	return slices.Clip(lacking)
}

func later(held *time.Time, day time.Time) *time.Time {
	if held != nil && !day.After(*held) {
		return held
	}
	return &day
}

func within(day *time.Time, on time.Time) bool {
	return day != nil && on.Before(london.YearAfter(*day))
}

func next(day *time.Time) *time.Time {
	at := london.YearAfter(*day)
	return &at
}
