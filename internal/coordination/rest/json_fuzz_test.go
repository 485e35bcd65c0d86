package rest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// planLike has the kinds of field that bodies have: text, flag, number, optional text, lists of objects.
type planLike struct {
	Kind     string  `json:"kind,omitempty"`
	Summary  *string `json:"summary,omitempty"`
	Minutes  *int32  `json:"minutes,omitempty"`
	OwnWords bool    `json:"ownWords,omitempty"`
	Goals    []struct {
		Goal string `json:"goal"`
	} `json:"goals,omitempty"`
}

// What is accepted is read the same by everybody: by the validator, which sees maps, by the decoder of the operation, which sees fields, and by any other
// reader of the same bytes, because no key comes twice and nothing was repaired.
func FuzzStrictJSON(f *testing.F) {
	for _, body := range []string{
		`{"kind":"x","summary":null,"minutes":5,"ownWords":true,"goals":[{"goal":"a"}]}`, `{"kind":"a","kind":"b"}`, `{"kind":"a","\u006bind":"b"}`,
		`{"goals":[{"goal":"a","goal":"b"}]}`, `{"kind":"\ud83d\ude00","summary":"\\ud83d"}`, `{"kind":"\ud83d"}`, `{"kind":"\u0000"}`, "{\"kind\":\"\xff\"}",
		`{"Kind":"a","kind":"b"}`, `{"minutes":1e2}`, `{"minutes":2147483648}`, `{}{}`, ` `, `[[[]]]`, `"\u"`, `{"kind":"\"}`, `{"a":{"a":1},"b":{"a":1}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var strict, loose any
		if strictJSON.Unmarshal(body, &strict) != nil {
			return
		}
		if err := json.Unmarshal(body, &loose); err != nil || !reflect.DeepEqual(strict, loose) {
			t.Fatalf("%q: read as %v, otherwise as %v (%v)", body, strict, loose, err)
		}
		if !utf8.Valid(body) {
			t.Fatalf("%q is not UTF-8 and was accepted", body)
		}
		if held, sent := repaired(strict), bytes.Count(body, []byte("\ufffd"))+strings.Count(strings.ToLower(string(body)), `\ufffd`); held > sent {
			t.Fatalf("%q: %d characters were repaired", body, held-sent)
		}
		if kept, sent := keys(strict), keysSent(body); kept != sent {
			t.Fatalf("%q has %d keys, of which %d are left", body, sent, kept)
		}
		checkFields(t, body, strict)
	})
}

// checkFields holds the fields of a structure against the map, where the map has no key in another case: the validator refuses those.
func checkFields(t *testing.T, body []byte, strict any) {
	t.Helper()
	var fields planLike
	object, ok := strict.(map[string]any)
	if !ok || strictJSON.Unmarshal(body, &fields) != nil {
		return
	}
	for key := range object {
		for _, name := range []string{"kind", "summary", "minutes", "ownWords", "goals"} {
			if key != name && strings.EqualFold(key, name) {
				return
			}
		}
	}
	if kind, _ := object["kind"].(string); kind != fields.Kind {
		t.Fatalf("%q: kind is %q to one and %q to the other", body, kind, fields.Kind)
	}
	if summary, ok := object["summary"].(string); ok != (fields.Summary != nil) || (ok && summary != *fields.Summary) {
		t.Fatalf("%q: summary is %q to one and %v to the other", body, summary, fields.Summary)
	}
	if minutes, ok := object["minutes"].(float64); ok != (fields.Minutes != nil) || (ok && minutes != float64(*fields.Minutes)) {
		t.Fatalf("%q: minutes are %v to one and %v to the other", body, minutes, fields.Minutes)
	}
	if goals, _ := object["goals"].([]any); len(goals) != len(fields.Goals) {
		t.Fatalf("%q: %d goals to one and %d to the other", body, len(goals), len(fields.Goals))
	}
}

// repaired counts the characters that stand where a decoder met something else.
func repaired(v any) int {
	count := 0
	switch part := v.(type) {
	case string:
		count = strings.Count(part, "\ufffd")
	case []any:
		for _, child := range part {
			count += repaired(child)
		}
	case map[string]any:
		for key, child := range part {
			count += repaired(key) + repaired(child)
		}
	}
	return count
}

func keys(v any) int {
	count := 0
	switch part := v.(type) {
	case []any:
		for _, child := range part {
			count += keys(child)
		}
	case map[string]any:
		for _, child := range part {
			count += 1 + keys(child)
		}
	}
	return count
}

// keysSent counts keys by the colons outside texts, which no decoder is asked for.
func keysSent(body []byte) int {
	count, text := 0, false
	for i := 0; i < len(body); i++ {
		switch {
		case text && body[i] == '\\':
			i++
		case body[i] == '"':
			text = !text
		case !text && body[i] == ':':
			count++
		}
	}
	return count
}
