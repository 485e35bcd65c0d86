package seed

// The clock, for tests that look at a database while a seed is at work.
var (
	InstallClock = installClock
	RemoveClock  = removeClock
)
