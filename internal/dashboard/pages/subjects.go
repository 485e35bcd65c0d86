package pages

// Subject is a page of figures about one subject: measures over time, and one month by the classes of breakdowns.
type Subject struct {
	Path, Title string
	// Lead says below the title what the page is about.
	Lead       string
	sections   []section
	breakdowns []breakdown
	// by: readers choose one breakdown of people for all tables.
	by bool
	// services: the page lists the services too.
	services bool
}

type section struct {
	title    string
	measures []string
}

// breakdown is a table of one month by class. Its kind is empty where the reader chooses it.
type breakdown struct {
	id, title, kind string
	measures        []string
	// heads of the columns, where the measures' titles don't say what is counted in each class.
	heads []string
	// values shows a measure's value in each class, rather than how many there are of each.
	values bool
}

// The addresses of the subjects' pages.
const (
	waitsPath        = "/access-and-waits"
	outcomesPath     = "/outcomes"
	inequalitiesPath = "/inequalities"
	servicesPath     = "/services"
)

// Subjects are the pages about one subject, in the order of the menu.
func Subjects() []Subject {
	return []Subject{
		{
			Path: waitsPath, Title: "Access and waits", Lead: "How people come in, how long they wait, and how they move on and come back.",
			sections: []section{
				{"Waits of people", []string{"person-wait-completed", "person-wait-open", "person-left-waiting", "person-died-waiting"}},
				{"Waits by the national rule", []string{"national-wait-completed", "national-wait-open"}},
				{"Asking for help", []string{"referrals-received", "people-second-contact"}},
				{"Moving on, and coming back", []string{"handovers-accepted", "handovers-arrived", "hospital-follow-up", "re-entries", "closures-with-support"}},
			},
			breakdowns: []breakdown{
				{id: "bands", title: "How long people waited", kind: "waitBand", measures: []string{"person-wait-completed", "person-wait-open", "national-wait-completed", "national-wait-open"},
					heads: []string{"Completed, the person's own wait", "Still waiting, the person's own wait", "Completed, national rule", "Still open, national rule"}},
				{id: "routes", title: "By which door people came", kind: "route", measures: []string{"referrals-received"}},
			},
		},
		{
			Path: outcomesPath, Title: "Outcomes", Lead: "Whether people are better, by what they say themselves, and whether they take part in life around them.",
			sections: []section{
				{"Measured twice", []string{"outcomes-paired"}},
				{"DIALOG", []string{"dialog-improved", "dialog-deteriorated"}},
				{"ReQoL-10", []string{"reqol-improved", "reqol-deteriorated", "reqol-recovered"}},
				{"The person's own goals", []string{"goals-improved", "goals-deteriorated"}},
				{"Taking part", []string{"participation-improved", "asset-uptake", "in-work", "needs-met"}},
			},
		},
		{
			Path: inequalitiesPath, Title: "Inequalities", Lead: "Who comes, who waits and who gets better, by one group of people at a time.", by: true,
			breakdowns: []breakdown{
				{id: "access", title: "Access", values: true, measures: []string{"referrals-received", "national-spells-started-rate"}},
				{id: "waits", title: "Waits within four weeks", values: true, measures: []string{"person-wait-completed"}},
				{id: "outcomes", title: "Outcomes", values: true, measures: []string{"dialog-improved", "reqol-recovered"}},
			},
		},
		{
			Path: servicesPath, Title: "Services", Lead: "One plan and a named person for everyone, and the services that give them.", services: true,
			sections: []section{
				{"A named person", []string{"episodes-open", "key-worker-cover", "people-per-key-worker"}},
				{"One plan", []string{"plan-cover", "plans-agreed", "carers-involved"}},
				{"Body and mind", []string{"health-check-complete"}},
			},
		},
	}
}

// Measures are those whose figures of all months the page needs.
func (s Subject) Measures() []string {
	var all []string
	for _, one := range s.sections {
		all = append(all, one.measures...)
	}
	if len(all) == 0 {
		for _, b := range s.breakdowns {
			all = append(all, b.measures...) // for the months that there are
		}
	}
	return all
}

// Breakdown is figures of one month that a page needs.
type Breakdown struct {
	Kind     string
	Measures []string
}

// Breakdowns are those that the page needs for a filter, in the order in which it shows them. A neighbourhood is small and has none.
func (s Subject) Breakdowns(f Filter) []Breakdown {
	var all []Breakdown
	if f.Kind == "Neighbourhood" {
		return nil
	}
	for _, b := range s.breakdowns {
		kind := b.kind
		if kind == "" {
			kind = f.By
		}
		all = append(all, Breakdown{kind, b.measures})
	}
	return all
}

// classes are the classes of each breakdown in words, in their order.
var classes = map[string][]option{
	"waitBand": {
		{Value: "0-6", Text: "0 to 6 days"}, {Value: "7-13", Text: "7 to 13 days"}, {Value: "14-28", Text: "14 to 28 days"},
		{Value: "29-182", Text: "29 to 182 days"}, {Value: "over-182", Text: "Over 182 days"},
	},
	"route": {
		{Value: "Self", Text: "The person's own request"}, {Value: "Carer", Text: "A carer"}, {Value: "GP", Text: "General practice"},
		{Value: "VCSE", Text: "A voluntary or community group"}, {Value: "SocialCare", Text: "Social care"}, {Value: "Crisis", Text: "A crisis service"},
		{Value: "Inpatient", Text: "A hospital ward"}, {Value: "Online", Text: "Online"}, {Value: "WalkIn", Text: "Walking in"}, {Value: "NotKnown", Text: "Not known"},
	},
	"ethnicity": {
		{Value: "WhiteBritish", Text: "White British"}, {Value: "WhiteOther", Text: "White, other"}, {Value: "Mixed", Text: "Mixed"}, {Value: "Asian", Text: "Asian"},
		{Value: "Black", Text: "Black"}, {Value: "Other", Text: "Other"}, {Value: "NotKnown", Text: "Not known"},
	},
	"deprivation": {
		{Value: "1", Text: "1, most deprived"}, {Value: "2", Text: "2"}, {Value: "3", Text: "3"}, {Value: "4", Text: "4"}, {Value: "5", Text: "5"}, {Value: "6", Text: "6"},
		{Value: "7", Text: "7"}, {Value: "8", Text: "8"}, {Value: "9", Text: "9"}, {Value: "10", Text: "10, least deprived"}, {Value: "NotKnown", Text: "Not known"},
	},
	"ageBand": {
		{Value: "under-18", Text: "Under 18"}, {Value: "18-25", Text: "18 to 25"}, {Value: "26-39", Text: "26 to 39"}, {Value: "40-64", Text: "40 to 64"},
		{Value: "65-and-over", Text: "65 and over"},
	},
	"gender": {
		{Value: "Female", Text: "Female"}, {Value: "Male", Text: "Male"}, {Value: "NonBinary", Text: "Non-binary"}, {Value: "Other", Text: "Other"}, {Value: "NotKnown", Text: "Not known"},
	},
}

// groupings are the breakdowns of people that a reader can choose.
var groupings = []option{
	{Value: "ethnicity", Text: "Ethnicity"}, {Value: "deprivation", Text: "Deprivation of the neighbourhood (tenths of England)"}, {Value: "ageBand", Text: "Age"}, {Value: "gender", Text: "Gender"},
}
