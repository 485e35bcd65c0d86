package seed

import "time"

// persona is an invented person whose way shows a part of the framework. docs/api/personas.md tells the stories in words.
type persona struct {
	given, family string
	age           int
	story         func(*story, time.Time)
	// since is how many days before the last day the story begins.
	since int
}

func (p persona) tell(s *story, number string) {
	begin := days(s.t.last, -p.since)
	s.meetPersona(number, p.given, p.family, begin, begin.AddDate(-p.age, 0, 0))
	p.story(s, begin)
}

// personas are the first people of every seed, whatever its size. Their services are those of the directory that fit.
var personas = []persona{
	{"Walkina", "Dropinham", 34, walkIn, 190},
	{"Upton", "Downley", 41, upAndDown, 240},
	{"Youngmund", "Eighteenby", 18, fromChildren, 200},
	{"Eldara", "Pulsecheck", 74, olderAdult, 300},
	{"Charitina", "Volunteerton", 52, ledByCharity, 330},
	{"Declan-Test", "Alternatively", 29, declined, 160},
	{"Returna", "Doorajar", 46, comesBack, 900},
	{"Aftercaria", "Sectionley", 38, aftercare, 700},
	{"Reachwell", "Outofsight", 31, notReachable, 75},
	{"Elsewhen", "Awaysted", 36, inPrison, 260},
}

func (s *story) begins(day time.Time, route, reason string) bool {
	to := s.r.directory.serviceFor(s.d, s.p, day, route)
	if to == nil {
		return false // no service takes people of the age
	}
	s.refer(day, to, route, reason)
	return true
}

// walkIn: no appointment, no referral letter; seen on the day, and the same worker since.
func walkIn(s *story, day time.Time) {
	if !s.begins(day, "WalkIn", "Came in off the street: has not slept for a week and does not know whom to ask.") {
		return
	}
	s.accept(day)
	s.nameKeyWorker(day, "Mental health nurse")
	s.see(day, "FaceToFace", "Attended", "Sat down together straight away; story told once.")
	s.safetyPlan(day)
	s.need(day, "Debt", "Two months behind with the rent.", "Went to the advice desk together.")
	s.decideLevel(days(day, 3))
	s.see(days(day, 9), "FaceToFace", "Attended", "What matters, in her own words.")
	s.plan(days(day, 9), "I want to sort out my rent before it sorts me out.", "Person", 180)
	s.score(days(day, 9), "DIALOG", 1, 3, 3, 4, 2, 3, 4, 3, 4, 3, 4, 4)
	s.see(days(day, 40), "FaceToFace", "Attended", "Rent agreed with the landlord; sleeping again.")
	s.give(days(day, 40), "Psychosocial", theme{"FinancialInclusion", 1}, "Budget made together.")
	s.see(days(day, 120), "FaceToFace", "Attended", "How it goes.")
	s.score(days(day, 120), "DIALOG", 1, 5, 5, 4, 5, 4, 4, 5, 6, 5, 5, 5)
}

// upAndDown: a crisis, a warm handover up, and back down to the team that knows him, with no new referral either way.
func upAndDown(s *story, day time.Time) {
	if !s.begins(day, "GP", "Low for months; asks for talking therapy.") {
		return
	}
	home := s.service
	s.accept(days(day, 4))
	s.nameKeyWorker(days(day, 6), "Psychologist")
	s.see(days(day, 15), "FaceToFace", "Attended", "First meeting.")
	s.plan(days(day, 22), "I want someone to know when I am going under.", "Person", 180)
	s.see(days(day, 60), "Telephone", "Attended", "Rang at night: cannot keep himself safe.")
	crisis := s.r.directory.another(s.d, s.p, days(day, 60), home, "CrisisLink")
	if crisis == nil {
		s.outside(days(day, 60), days(day, 60), days(day, 61), "The crisis team outside of this system", "Up", "Crisis", "Cannot keep himself safe tonight.")
	} else {
		up := s.offer(days(day, 60), crisis, "Up", "Crisis", "Cannot keep himself safe tonight.")
		s.takeOver(days(day, 61), up, crisis)
		s.nameKeyWorker(days(day, 61), "Crisis practitioner")
		s.see(days(day, 61), "FaceToFace", "Attended", "Seen at home within hours of the answer.")
		s.safetyPlan(days(day, 61))
		down := s.offer(days(day, 82), home, "Down", "Urgent", "Safe again; wants his own psychologist back.")
		s.takeOver(days(day, 83), down, home)
		s.nameKeyWorker(days(day, 83), "Psychologist")
	}
	s.see(days(day, 85), "FaceToFace", "Attended", "Within 72 hours of stepping down.")
	s.score(days(day, 85), "ReQoL-10", 0, 12)
	s.see(days(day, 150), "FaceToFace", "Attended", "Steadier.")
	s.score(days(day, 150), "ReQoL-10", 0, 27)
}

// fromChildren: the adult team is there on the birthday, and nobody falls between two teams.
func fromChildren(s *story, day time.Time) {
	if !s.begins(day, "SocialCare", "Turns 18 today; known to the children's service, who have met the adult team with him three times.") {
		return
	}
	s.planKind = "Transition"
	s.accept(day)
	s.nameKeyWorker(day, "Young adult worker")
	s.joinTeam(day, "Children's service worker, for six months more", "Children's mental health service")
	s.see(day, "FaceToFace", "Attended", "Joint meeting: the old worker, the new one, and his mother as he wished.")
	s.plan(days(day, 7), "I want to finish college and not lose the people who know me.", "Person", 90)
	s.linkPlan(days(day, 7), "EducationHealthAndCare", "The council's education team")
	s.work(days(day, 7), "Student", true)
	s.see(days(day, 60), "Video", "Attended", "College goes well.")
	s.score(days(day, 60), "GBO", 1, 3, 4)
	s.see(days(day, 100), "FaceToFace", "Attended", "Review of the plan.")
	s.plan(days(day, 100), "I want to do the apprenticeship three days a week.", "Person", 180)
	s.score(days(day, 180), "GBO", 1, 7, 8)
}

// olderAdult: mind and body together; no cut at 65.
func olderAdult(s *story, day time.Time) {
	if !s.begins(day, "GP", "Anxious since her husband died; chest tightness, breathless on the stairs.") {
		return
	}
	s.accept(days(day, 5))
	s.nameKeyWorker(days(day, 7), "Occupational therapist")
	s.see(days(day, 18), "FaceToFace", "Attended", "At home, with her daughter.")
	s.plan(days(day, 30), "I want to take the bus to the market on my own again.", "Person", 330)
	s.checkHealth(days(day, 30))
	s.joinTeam(days(day, 33), "Practice nurse", "The person's GP practice")
	s.need(days(day, 33), "Isolation", "Sees nobody from Friday to Monday.", "Lunch club, with a lift.")
	s.see(days(day, 90), "FaceToFace", "Attended", "Blood pressure treated; took the bus.")
	s.give(days(day, 90), "MedicationOrPhysical", theme{"PhysicalHealth", 5}, "Read the results together.")
	s.see(days(day, 250), "FaceToFace", "Attended", "Market twice a week.")
}

// ledByCharity: a charity refers, names the key worker and stays when the support of the team ends.
func ledByCharity(s *story, day time.Time) {
	if !s.begins(day, "VCSE", "Known to the day centre for years; wants help with voices that have come back.") {
		return
	}
	s.accept(days(day, 3))
	s.nameKeyWorker(days(day, 3), "Community connector of the charity")
	s.joinTeam(days(day, 3), "Peer support worker", "A charity of the neighbourhood")
	s.joinTeam(days(day, 3), "Psychiatrist", s.service.provider)
	s.see(days(day, 10), "FaceToFace", "Attended", "At the day centre, where she feels at home.")
	s.plan(days(day, 20), "I want to sing in the choir again.", "Person", 180)
	if len(s.r.directory.assets) > 0 {
		s.putInTouch(days(day, 25), s.r.directory.assets[0])
	}
	s.see(days(day, 60), "FaceToFace", "Attended", "First choir evening.")
	s.give(days(day, 60), "Psychosocial", theme{"PeerSupport", 4}, "With two others who hear voices.")
	s.see(days(day, 170), "FaceToFace", "Attended", "Ready to go on with the charity alone.")
	s.close(days(day, 200), "SupportElsewhere")
}

// declined: no is never the end; the receiver names another way, and the sender stays responsible meanwhile.
func declined(s *story, day time.Time) {
	if !s.begins(day, "Self", "Hurts himself when things become too much; wants another way.") {
		return
	}
	s.accept(days(day, 6))
	s.nameKeyWorker(days(day, 6), "Social worker")
	s.see(days(day, 12), "FaceToFace", "Attended", "First meeting.")
	s.safetyPlan(days(day, 12))
	s.plan(days(day, 20), "I want to be able to be alone on a Sunday.", "Person", 180)
	s.see(days(day, 50), "FaceToFace", "Attended", "Asks for a group about strong feelings.")
	from := s.service
	to := s.r.directory.another(s.d, s.p, days(day, 50), from, "ComplexEmotionalNeeds")
	if to == nil {
		return
	}
	offered := s.offer(days(day, 50), to, "Sideways", "Routine", "Asks for the group about strong feelings.")
	s.decline(days(day, 54), offered, "The group is full until the summer.", "The group's leader comes to the team's meetings with him from next week, until a place is free.")
	s.see(days(day, 62), "FaceToFace", "Attended", "With the group's leader.")
	s.give(days(day, 62), "Psychological", theme{"SelfHarmSupport", 6}, "First of six meetings.")
}

// comesBack: rings the number of the return plan two years on, and is seen within the week.
func comesBack(s *story, day time.Time) {
	if !s.begins(day, "GP", "Panic on the way to work.") {
		return
	}
	s.accept(days(day, 4))
	s.nameKeyWorker(days(day, 8), "Nurse")
	s.see(days(day, 20), "FaceToFace", "Attended", "First meeting.")
	s.plan(days(day, 34), "I want to take the train without counting.", "Person", 180)
	s.score(days(day, 34), "DIALOG", 1, 3, 4, 3, 4, 4, 4, 4, 5, 4, 4, 4)
	s.see(days(day, 100), "FaceToFace", "Attended", "Takes the train.")
	s.score(days(day, 200), "DIALOG", 1, 5, 6, 5, 5, 5, 5, 5, 6, 5, 6, 6)
	s.close(days(day, 220), "PersonChose")
	back := days(day, 800)
	s.comeBack(back, "The panic is back; rang as her return plan says.")
	s.safetyCheck(days(back, 1))
	s.nameKeyWorker(days(back, 1), "Nurse")
	s.see(days(back, 4), "FaceToFace", "Attended", "Did not have to tell it all again.")
}

// aftercare: while the duty under section 117 is open, neither a choice nor silence closes the episode; an acceptance does.
func aftercare(s *story, day time.Time) {
	if !s.begins(day, "Inpatient", "Leaves hospital after six weeks under section 3.") {
		return
	}
	s.accept(day)
	duty := s.d.newID(day)
	s.t.add(day, duties, duty, s.p.id, "Section117Aftercare")
	s.nameKeyWorker(day, "Social worker")
	s.see(days(day, 2), "FaceToFace", "Attended", "Within 72 hours of leaving hospital.")
	s.plan(days(day, 10), "I want my own front door.", "Person", 180)
	s.linkPlan(days(day, 10), "Section117", "The council and the ICB, jointly")
	s.need(days(day, 10), "Housing", "Cannot go back to the hostel.", "Supported flat applied for under aftercare.")
	s.see(days(day, 150), "FaceToFace", "Attended", "Has the key of the flat.")
	s.plan(days(day, 185), "I want to decorate it before winter.", "Person", 330)
	s.see(days(day, 400), "FaceToFace", "Attended", "Aftercare meeting: needed no longer, all agree.")
	s.t.add(days(day, 410), dutiesEnd, duty, closeOfDay(days(day, 410)))
	s.close(days(day, 420), "SupportComplete")
}

// notReachable: a missed appointment is no reason to end anything; the referral is Reaching, step by step.
func notReachable(s *story, day time.Time) {
	if !s.begins(day, "GP", "Stopped coming to the surgery after the winter; sounded flat on the phone.") {
		return
	}
	s.reachReferral(days(day, 5), "Attempt", "Phone", 7)
	s.reachReferral(days(day, 12), "Attempt", "Letter", 10)
	s.reachReferral(days(day, 22), "GPContacted", nil, 10)
	s.reachReferral(days(day, 32), "RiskReview", nil, 7)
	s.reachReferral(days(day, 39), "Attempt", "Visit", 60)
}

// inPrison: away, not discharged; the team holds on, and is there at the gate.
func inPrison(s *story, day time.Time) {
	if !s.begins(day, "Crisis", "Found in distress at the station by a street triage car.") {
		return
	}
	s.accept(days(day, 1))
	s.nameKeyWorker(days(day, 2), "Assertive outreach nurse")
	s.see(days(day, 3), "FaceToFace", "Attended", "On the bench where he feels safe.")
	s.plan(days(day, 21), "I want to be called by my name.", "Person", 240)
	s.see(days(day, 60), "FaceToFace", "DidNotAttend", "Not on the bench; asked at the night shelter.")
	s.goElsewhere(days(day, 66), "Prison", "Mental health in-reach nurse", "Prison healthcare team", 220)
	s.joinTeam(days(day, 70), "Mental health in-reach nurse", "Prison healthcare team")
	s.see(days(day, 110), "Video", "Attended", "Through the prison's link.")
}
