package episodes

// nationalClosureCodes are the national codes of MHSDS that come nearest to the product's reasons. The facts (d4) give them in groups only, and
// none for a death: check them against the NHS data dictionary before an export is sent. Code 05, "did not attend", is what a reader of the
// national data gets for a person who could not be reached: it goes out, and is never taken as a reason.
var nationalClosureCodes = map[string]string{
	reasonSupportComplete:  "02", // treatment completed
	reasonSupportElsewhere: "08", // referred to another service
	reasonPersonChose:      "07", // the person asked for it
	reasonMovedAway:        "03", // moved out of the area
	reasonNotEngaging:      "05", // did not attend
	reasonDied:             "06", // died
}

// NationalClosureCode gives the code with which a closure for a reason is exported.
func NationalClosureCode(reason string) string { return nationalClosureCodes[reason] }
