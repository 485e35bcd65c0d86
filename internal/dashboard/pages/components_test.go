package pages

import (
	"encoding/json"
	"html/template"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// TestComponentsMatchTheDesignSystem draws our components with the options of the design system's own examples and compares
// the HTML, white space aside. The examples come from the pinned package (hack/assets/fixtures.mjs).
func TestComponentsMatchTheDesignSystem(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/nhsuk-fixtures.json")
	if err != nil {
		t.Fatal(err)
	}
	var examples map[string][]struct {
		Name    string
		Context map[string]string
		HTML    string
	}
	if err := json.Unmarshal(raw, &examples); err != nil {
		t.Fatal(err)
	}
	templates := template.Must(template.ParseFS(files, "templates/components.gohtml"))
	for component, name := range map[string]string{
		"button": "nhsuk-button-link", "inset-text": "nhsuk-inset-text", "skip-link": "nhsuk-skip-link", "tag": "nhsuk-tag",
	} {
		if len(examples[component]) == 0 {
			t.Errorf("there is no example of %s", component)
		}
		for _, e := range examples[component] {
			var b strings.Builder
			if err := templates.ExecuteTemplate(&b, name, e.Context); err != nil {
				t.Fatalf("%s %v: %v", component, e.Context, err)
			}
			if diff := cmp.Diff(outline(t, e.HTML), outline(t, b.String())); diff != "" {
				t.Errorf("%s %v differs from the design system (-want +got):\n%s", component, e.Context, diff)
			}
		}
	}
}

// outline lists tags, attributes and words of HTML, one a line.
func outline(t *testing.T, source string) []string {
	t.Helper()
	var lines []string
	for z := html.NewTokenizer(strings.NewReader(source)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return lines
		case html.TextToken:
			if words := strings.Join(strings.Fields(string(z.Text())), " "); words != "" {
				lines = append(lines, words)
			}
		default:
			lines = append(lines, z.Token().String())
		}
	}
}
