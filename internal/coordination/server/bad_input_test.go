package server_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/access"
)

// leaked stands in every bad value: no answer may repeat it.
const leaked = "Thistlewaite 9434765919"

// badCase is one request that can't be right, and the place that the answer must name; empty where there is none to name.
type badCase struct{ name, method, path, body, at string }

// badCases are the mistakes that can be made in a request by its own document: in each part of the path and the query, and in each field of the body.
func badCases(method, path string, op *openapi3.Operation) []badCase {
	var cases []badCase
	good := path
	for _, p := range op.Parameters {
		if p.Value.In == openapi3.ParameterInPath {
			value := uuid.NewString()
			if p.Value.Name == "kind" {
				value = "no-key-worker" // of the worklists; their names are no part of the document
			}
			good = strings.Replace(good, "{"+p.Value.Name+"}", value, 1)
		}
	}
	add := func(name, path, body, at string) { cases = append(cases, badCase{name, method, path, body, at}) }
	for _, p := range op.Parameters {
		schema := p.Value.Schema.Value
		free := schema.Type.Is("string") && schema.Format == "" && len(schema.Enum) == 0
		switch {
		case p.Value.In == openapi3.ParameterInPath && !free:
			add("path "+p.Value.Name, strings.Replace(path, "{"+p.Value.Name+"}", "Thistlewaite", 1), "{}", "path."+p.Value.Name)
		case p.Value.In == openapi3.ParameterInQuery && !free:
			add("query "+p.Value.Name, good+"?"+p.Value.Name+"=Thistlewaite+9434765919", "", "query."+p.Value.Name)
		case p.Value.In == openapi3.ParameterInQuery:
			add("query NUL in "+p.Value.Name, good+"?"+p.Value.Name+"=%00", "", "query."+p.Value.Name)
		}
	}
	add("unknown parameter", good+"?Thistlewaite=9434765919", "{}", "query")
	if op.RequestBody == nil {
		return cases
	}
	media := op.RequestBody.Value.Content.Get("application/json")
	if media == nil {
		return cases
	}
	add("no JSON", good, "{"+leaked, "")
	add("a list", good, `["`+leaked+`"]`, "body")
	add("unknown field", good, `{"`+leaked+`": 1}`, "body")
	if len(media.Schema.Value.Required) > 0 {
		add("nothing in it", good, "{}", "body")
	}
	for _, bad := range badValues(media.Schema.Value, 0) {
		add(bad.name, good, bad.json, "body"+bad.at)
	}
	return cases
}

type badValue struct{ name, json, at string }

// badValues are documents that fit a schema nowhere but in that one value is bad; the rest of the document is left out.
func badValues(schema *openapi3.Schema, depth int) []badValue {
	one := func(name, json string) badValue { return badValue{name, json, ""} }
	var bad []badValue
	switch {
	case depth > 4:
	case schema.Type.Is("object"):
		if depth > 0 {
			bad = append(bad, one("text for an object", `"`+leaked+`"`))
		}
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			for _, b := range badValues(schema.Properties[name].Value, depth+1) {
				bad = append(bad, badValue{name + ": " + b.name, fmt.Sprintf("{%q: %s}", name, b.json), "." + name + b.at})
			}
		}
	case schema.Type.Is("array"):
		bad = append(bad, one("text for a list", `"`+leaked+`"`))
		for _, b := range badValues(schema.Items.Value, depth+1) {
			bad = append(bad, badValue{"item: " + b.name, "[" + b.json + "]", "[0]" + b.at})
		}
	case schema.Type.Is("string"):
		bad = append(bad, one("number for text", "9434765919"))
		switch {
		case schema.Pattern != "" && regexp.MustCompile(schema.Pattern).MatchString(leaked):
			bad = append(bad, one("blank", `"   "`))
		case len(schema.Enum) > 0 || schema.Pattern != "" || slices.Contains([]string{"uuid", "date", "date-time"}, schema.Format):
			bad = append(bad, one("no such value", `"`+leaked+`"`))
		}
		if schema.Format == "date" {
			bad = append(bad, one("no such day", `"2026-02-30"`))
		}
		if schema.MaxLength != nil {
			bad = append(bad, one("too long", `"`+strings.Repeat("ü", int(*schema.MaxLength)+1)+`"`))
		}
		if schema.MinLength > 0 {
			bad = append(bad, one("empty", `""`))
		}
	case schema.Type.Is("integer"), schema.Type.Is("number"):
		bad = append(bad, one("text for a number", `"`+leaked+`"`))
		if schema.Max != nil {
			bad = append(bad, one("too large", fmt.Sprint(*schema.Max+1)))
		}
		if schema.Min != nil {
			bad = append(bad, one("too small", fmt.Sprint(*schema.Min-1)))
		}
	case schema.Type.Is("boolean"):
		bad = append(bad, one("text for true or false", `"`+leaked+`"`))
	}
	return bad
}

// Each mistake that the document knows, at every operation: refused with the place, stored nowhere, repeated nowhere.
func TestBadInputEverywhere(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	stored := func() string {
		t.Helper()
		var all string
		const tables = `SELECT string_agg(format('SELECT %L AS name, count(*) AS n FROM %I', relname, relname), ' UNION ALL ' ORDER BY relname) FROM pg_class
			WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT IN ('audit_events', 'audit_batches', 'closure_refusals', 'outcome_refusals')`
		owner := s.owner()
		if err := owner.QueryRow(t.Context(), tables).Scan(&all); err != nil {
			t.Fatal(err)
		}
		if err := owner.QueryRow(t.Context(), "SELECT string_agg(name || ' ' || n, E'\n' ORDER BY name) FROM ("+all+") x").Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	before, tried, operations := stored(), 0, 0
	for _, path := range contract().Paths.InMatchingOrder() {
		for method, op := range contract().Paths.Find(path).Operations() {
			rule := access.For(access.Operation(op.OperationID))
			claims := object{"roles": rule.Roles[:1], "services": []string{"north"}, "organisation": "RXV"}
			if rule.Roles[0] == access.Integration {
				claims["purpose"] = access.PurposeDirectCare
			}
			caller := s.with(claims)
			operations++
			for _, c := range badCases(method, path, op) {
				tried++
				name := c.method + " " + path + ": " + c.name
				var body any
				if c.body != "" && method != http.MethodGet {
					body = c.body
				}
				a := caller.do(c.method, c.path, body, "If-Match", `W/"1"`)
				if a.status < 400 || a.status >= 500 || a.header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s: %d %s", name, a.status, a.raw)
					continue
				}
				if strings.Contains(a.raw, "Thistlewaite") || strings.Contains(a.raw, "9434765919") {
					t.Errorf("%s repeats the value: %s", name, a.raw)
				}
				if c.at != "" && !namesPlace(a, c.at) {
					t.Errorf("%s does not name %s: %d %s", name, c.at, a.status, a.raw)
				}
			}
		}
	}
	if after := stored(); after != before {
		t.Errorf("refused requests changed what is stored, from\n%s\nto\n%s", before, after)
	}
	if operations < 100 || tried < 1000 {
		t.Errorf("%d mistakes at %d operations were tried", tried, operations)
	}
	t.Logf("%d mistakes at %d operations", tried, operations)
}

// namesPlace tells whether a problem names a place or, where the place is a part of the request, one within it.
func namesPlace(a answer, at string) bool {
	fields, _ := a.want(a.status)["errors"].([]any)
	for _, f := range fields {
		location, _ := f.(object)["location"].(string)
		if location == at || !strings.Contains(at, ".") && strings.HasPrefix(location, at) {
			return true
		}
	}
	return false
}
