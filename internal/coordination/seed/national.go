package seed

// How often what comes up. Where England publishes a figure the weights follow its shape: the Census of 2021 for ethnicity (rounded, and
// with the share that services leave unrecorded), ages and deprivation of people in contact with community mental health services. They
// make a plausible system and are no statistics of any.

var ethnicities = []share[string]{{"A", 71}, {"B", 1}, {"C", 6}, {"D", 1}, {"E", 0.5}, {"F", 0.8}, {"G", 0.8}, {"H", 3}, {"J", 2.6}, {"K", 1}, {"L", 1.5},
	{"M", 1.3}, {"N", 2}, {"P", 0.6}, {"R", 0.6}, {"S", 1.8}, {"Z", 2.5}, {"99", 2}}

type ages struct{ from, to int }

var ageBands = []share[ages]{{ages{16, 17}, 2}, {ages{18, 24}, 15}, {ages{25, 34}, 21}, {ages{35, 49}, 26}, {ages{50, 64}, 21}, {ages{65, 79}, 10}, {ages{80, 95}, 5}}

// deprivation is by decile of the area where people live, 1 being the most deprived.
var deprivation = []share[int]{{1, 17}, {2, 15}, {3, 13}, {4, 11}, {5, 10}, {6, 9}, {7, 8}, {8, 7}, {9, 5.5}, {10, 4.5}}

var routes = []share[string]{{"GP", 52}, {"Self", 17}, {"VCSE", 7}, {"SocialCare", 5}, {"Carer", 4}, {"Online", 6}, {"WalkIn", 4}, {"Crisis", 3}, {"Inpatient", 2}}

var genders = []share[string]{{"Female", 55}, {"Male", 42}, {"NonBinary", 1}, {"Other", 0.3}, {"NotStated", 1.7}}

var employments = []share[string]{{"Employed", 32}, {"SelfEmployed", 4}, {"Volunteering", 2}, {"Student", 7}, {"LookingForWork", 11}, {"LongTermSick", 27}, {"Homemaker", 6}, {"NotStated", 11}}

var accommodations = []share[string]{{"OwnHome", 26}, {"SocialRent", 29}, {"PrivateRent", 19}, {"WithFamilyOrFriends", 14}, {"Supported", 5}, {"Temporary", 2}, {"SofaSurfing", 1}, {"NotStated", 4}}

var carings = []share[string]{{"Nobody", 62}, {"Children", 21}, {"Adults", 7}, {"ChildrenAndAdults", 2}, {"NotStated", 8}}

var languages = []share[string]{{"en", 92}, {"pl", 1.5}, {"ur", 1.5}, {"pa", 1}, {"bn", 1}, {"ar", 1}, {"so", 1}, {"ro", 1}}

var media = []share[string]{{"FaceToFace", 58}, {"Telephone", 27}, {"Video", 12}, {"Text", 3}}

var attendances = []share[string]{{"Attended", 86}, {"DidNotAttend", 8}, {"CancelledByPerson", 4}, {"CancelledByService", 2}}

// theme is an intervention's theme and the tier that it belongs to.
type theme struct {
	name string
	tier int
}

var themes = []share[theme]{{theme{"SelfCare", 4}, 14}, {theme{"PeerSupport", 4}, 10}, {theme{"SocialPrescribing", 4}, 9}, {theme{"Recovery", 5}, 14}, {theme{"HolisticHealth", 5}, 8},
	{theme{"PhysicalHealth", 5}, 9}, {theme{"FinancialInclusion", 1}, 6}, {theme{"Housing", 1}, 5}, {theme{"Employment", 3}, 6}, {theme{"SelfHarmSupport", 6}, 6}, {theme{"DistressResponse", 6}, 7},
	{theme{"SocialConnection", 4}, 6}}

var kindsOfIntervention = []share[string]{{"Psychological", 34}, {"Psychosocial", 38}, {"MedicationOrPhysical", 18}, {"Signposting", 6}, {"Consultation", 4}}

// ending is how an episode ends; Died and NotEngaging need more than a receiver or a choice.
var endings = []share[string]{{"SupportComplete", 58}, {"SupportElsewhere", 11}, {"PersonChose", 19}, {"MovedAway", 5}, {"NotEngaging", 5}, {"Died", 2}}

var outcomesBesideAcceptance = []share[string]{{"PersonChose", 6}, {"Withdrawn", 2.5}, {"MovedAway", 1.5}, {"Redirected", 3}}

var reasonsForReferral = []string{"Low mood for months, and no appetite for anything that used to help.", "Voices that have become louder since the spring.",
	"Anxious about leaving home; asks for help to get out again.", "Hurts themselves when things become too much, and would like another way.",
	"After the birth of a child everything feels far away.", "Eats very little and is afraid of eating more.", "Known for years, wants a fresh look at medicines and support.",
	"Lost work and home within weeks, cannot sleep.", "Family worried: has stopped seeing anyone.", "Flashbacks since an accident."}

var goalsInOwnWords = []string{"I want to take my daughter to the park without counting the exits.", "I want to sleep through four nights a week.",
	"I want to cook for friends once a month.", "I want to go back to my allotment.", "I want to be in work that I can keep.",
	"I want someone to know when I am going under.", "I want to understand what the tablets do.", "I want to sort out my rent before it sorts me out."}
