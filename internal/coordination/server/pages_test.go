package server_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// page is the text of a page of docs/api.
func page(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(readmePath), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// script is the commands that a page marks as its script.
func script(t *testing.T, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(page(t, name), "<!-- begin script -->\n```sh\n")
	text, _, foundEnd := strings.Cut(rest, "```\n<!-- end script -->")
	if !found || !foundEnd {
		t.Fatalf("%s lacks its script", name)
	}
	return text
}

// commands are all that a page without a marked script shows.
func commands(t *testing.T, name string) string {
	t.Helper()
	var all strings.Builder
	for _, block := range strings.Split(page(t, name), "```sh\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		all.WriteString(block)
	}
	return all.String()
}

// functions are what the README's script begins with and other pages take from there.
func functions(t *testing.T) string {
	t.Helper()
	text, _, found := strings.Cut(script(t, "README.md"), "# Which services are there?")
	if !found || !strings.Contains(text, "id_of()") {
		t.Fatalf("the README's script does not begin with its functions: %s", text)
	}
	return text
}

// runPage runs commands of a page, with further variables, and checks what they print.
func (s *system) runPage(t *testing.T, commands string, variables []string, wants ...string) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("this test runs the documentation's commands and needs curl: `apt-get install -y curl`")
	}
	command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", commands)
	command.Env = append(append(os.Environ(), "API="+s.public, "no_proxy=*"), variables...)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
		return
	}
	for _, want := range wants {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output lacks %s:\n%s", want, out)
		}
	}
}

// The commands in docs/api/README.md work as they stand there.
func TestReadmeScript(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	s.runPage(t, script(t, "README.md"), []string{"TOKEN=" + s.as("service-lead", "north").token},
		"/problems/closure-incomplete", `"state":"Closed"`, `"howToReturn":"Call the service or tell the GP"`, `"operation":"closeEpisode"`)
}

// So do those in the pages about an episode, after the functions of the README's.
func TestPageScripts(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	for name, wants := range map[string][]string{
		"contacts.md":     {`"mediumCode":"01"`, `"tier":4`, `"enteredInError":{`},
		"plans.md":        {"/problems/plan-incomplete", `"missing":["goal","review-date"]`, `"state":"InForce"`, `"edition":2`},
		"safety-plans.md": {`"current":true`, `"edition":1`},
	} {
		t.Run(name, func(t *testing.T) {
			s.runPage(t, functions(t)+script(t, name), []string{"TOKEN=" + north.token, "EPISODE=" + episode["id"].(string), "PERSON=" + episode["personId"].(string)}, wants...)
		})
	}
}

// And those in the pages about how people fare.
func TestPagesAboutHowPeopleFare(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead := s.as("service-lead", "north")
	episode := lead.accepted("north", person("9990000018", "Example"))
	variables := []string{"TOKEN=" + lead.token, "OFFICER=" + s.partnerOfficer("E10000008").token, "EPISODE=" + episode["id"].(string), "PERSON=" + episode["personId"].(string)}
	for name, wants := range map[string][]string{
		"outcomes.md":      {`"topic":"personal safety"`, `"response":"SpokeWithPerson"`, `"counted":"TooFewContacts"`},
		"health-checks.md": {`"declined":true`, `"lacking":["Glucose","BodyMass","Lipids"]`},
		"needs.md":         {`"state":"Acting"`},
		"community.md":     {`"attended":1`, `"status":"Volunteering"`},
		"feedback.md":      {`"comment":"Nobody told me whom to ring at night"`, `"Fewer than five replies`},
		"partners.md":      {`"state":"Planned"`, `"evidence":"Report to the board"`},
	} {
		t.Run(name, func(t *testing.T) {
			s.runPage(t, functions(t)+script(t, name), variables, wants...)
		})
	}
}

// The page on coordination shows its commands in several pieces.
func TestCoordinationPageScripts(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	episode := s.as("practitioner", "north").accepted("north", person("9990000018", "Example"))
	s.runPage(t, functions(t)+commands(t, "coordination.md"), []string{"TOKEN=" + s.as("practitioner", "north", "south").token, "EPISODE=" + episode["id"].(string)},
		`"name":"Kim Example"`, `"state":"Offered"`, `"arrivedOn":"`, `"referralId":"`)
}

// The page on people brings its own functions.
func TestPeoplePageScript(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	s.runPage(t, commands(t, "people.md"), []string{"TOKEN=" + s.as("practitioner", "north").token, "PERSON=" + id})
	if n := s.count("SELECT (SELECT count(*) FROM person_details) + (SELECT count(*) FROM residences)"); n != 2 {
		t.Errorf("the commands recorded %d parts, want 2", n)
	}
}

// So do those on the pages about putting records right.
func TestCorrectionPages(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"matching.md": `"state":"Unmerged"`, "corrections.md": `"readers":[`, "deaths.md": `"familyName":"Example"`, "emergency-access.md": `"outcome":"Justified"`,
		"fhir.md": `"type":"searchset"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithDirectory(t)
			s.runPage(t, script(t, name), []string{"TOKEN=" + s.as("service-lead", "north").token, "SOUTH_TOKEN=" + s.as("practitioner", "south").token,
				"OFFICER_TOKEN=" + s.officer().token}, want)
		})
	}
}
