package pages

import (
	"errors"
	"strings"
	"time"
	_ "time/tzdata" // images carry no time zone files
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/cmhf/operator/internal/dashboard/figures"
)

var british = message.NewPrinter(language.BritishEnglish)

var london = func() *time.Location {
	l, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic("the embedded time zones lack Europe/London: " + err.Error())
	}
	return l
}()

// day writes a date as the NHS service manual does: 21 November 2026.
func day(t time.Time) string { return t.Format("2 January 2006") }

// moment writes a time of day in England: 21 November 2026 at 9:04am.
func moment(t time.Time) string { return t.In(london).Format("2 January 2006 at 3:04pm") }

// figure says a tile's value in words; kind tells the template how to draw it.
func figure(t figures.Tile) (text string, kind string) {
	switch {
	case t.Suppressed:
		return "Hidden", "words" // never "fewer than 5": it may be a larger figure that protects a small one
	case t.Count == nil:
		return "No data", "none"
	default:
		return british.Sprintf("%d", *t.Count), "count"
	}
}

// plain turns an identifier of the resources into words: EatingDisorders becomes "eating disorders".
func plain(identifier string) string {
	var b strings.Builder
	for i, r := range identifier {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// sentence joins words with commas and begins with a capital.
func sentence(parts []string) string {
	s := strings.Join(parts, ", ")
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// joinNames joins names that may hold commas themselves.
func joinNames(names []string) string { return strings.Join(names, "; ") }

// args builds the options of a component in a template: pairs of name and value.
func args(pairs ...string) (map[string]string, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("a component's options must be pairs of name and value")
	}
	options := map[string]string{"colour": ""}
	for i := 0; i < len(pairs); i += 2 {
		options[pairs[i]] = pairs[i+1]
	}
	return options, nil
}
