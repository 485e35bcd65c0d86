package worklists

import (
	"embed"
	"fmt"
	"strings"
)

// list is one worklist. Its query, sql/<kind>.sql, gives the items of all services that the caller may see, as the columns
//
//	row_id, id, subject, person_id, service_id (who has to see to it), since (timestamptz, the order), due, due_on, escalated_to
//
// of which row_id is unique within the list and the last three may be null.
type list struct {
	kind        string
	description string
}

// lists is every worklist, in the order in which they are shown. A subject adds a row here and its query beside the others.
var lists = []list{
	{"waiting", "Referrals that wait for acceptance and are not sent on"},
	{"reaching", "Referrals of people who do not answer and are tried again"},
	{"reaching-due", "Of those, the ones whose next date has come or passed"},
	{"sent-on", "Referrals of people sent on whom the other service has not accepted yet: your service is still responsible"},
	{"no-key-worker", "People whom your service supports and who have no key worker"},
	{"handovers-unanswered", "People offered to your service, or by it to an organisation outside the directory, without an answer yet"},
	{"handovers-not-arrived", "People whose handover was accepted and who have not been met since"},
	{"safety-checks-due", "People who came back and whose safety check is to be done"},
	{"plan-reviews-due", "Plans whose day of review has come or passed"},
	{"emergency-reviews", "Uses of emergency access that wait for their review; for service leads"},
	{"overdue", "Whatever should have happened by now, with whom it concerns"},
}

//go:embed sql
var queries embed.FS

// countSQL counts all lists at once, with a zero for each service that has nothing in one.
var countSQL = func() string {
	parts := make([]string, len(lists))
	for i, l := range lists {
		parts[i] = fmt.Sprintf("SELECT '%s' AS kind, service_id FROM (%s) AS %q WHERE service_id = ANY (@services)", l.kind, l.query(), l.kind)
	}
	names := make([]string, len(lists))
	for i, l := range lists {
		names[i] = "('" + l.kind + "')"
	}
	return `SELECT wanted.kind, '' AS description, s.name AS service, count(item.service_id) AS count
FROM (VALUES ` + strings.Join(names, ", ") + `) AS wanted (kind)
JOIN services s ON s.id = ANY (@services)
LEFT JOIN (` + strings.Join(parts, "\nUNION ALL\n") + `) AS item ON item.kind = wanted.kind AND item.service_id = s.id
GROUP BY wanted.kind, s.name
ORDER BY s.name`
}()

func (l list) query() string {
	raw, err := queries.ReadFile("sql/" + l.kind + ".sql")
	if err != nil {
		panic("worklist " + l.kind + " has no query") // a programming error, met at start
	}
	return string(raw)
}

func (l list) readSQL() string {
	return `SELECT item.row_id, item.id, item.subject, item.person_id, s.name AS service, item.since, item.due, item.due_on::text, item.escalated_to
FROM (` + l.query() + `) AS item
JOIN services s ON s.id = item.service_id
WHERE item.service_id = ANY (@services) AND (item.since, item.row_id) > (@at, @after)
ORDER BY item.since, item.row_id
LIMIT @limit`
}
