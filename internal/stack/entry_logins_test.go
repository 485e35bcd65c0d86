package stack

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/logins"
	"github.com/cmhf/operator/internal/credentials"
)

// passwords of the logins of two generations; each list of the mounted Secret is made from them.
var passwords = map[string]string{"cmhf_owner": "owner-one", "cmhf_app": "app-one", "cmhf_owner_2": "owner-two", "cmhf_app_2": "app-two",
	"cmhf_owner_3": "owner-three", "cmhf_app_3": "app-three"}

// mount writes what the Secret database-logins holds: the logins of each group, the current one last.
func (v *volume) mount(t *testing.T, suffixes ...string) {
	t.Helper()
	for _, group := range []string{"owner", "app"} {
		var list strings.Builder
		for _, suffix := range suffixes {
			role := "cmhf_" + group + suffix
			list.WriteString(role + " " + credentials.Verifier(passwords[role]) + "\n")
		}
		v.write(t, v.config+"/logins/"+group, list.String())
	}
}

func (v *volume) tryLogin(t *testing.T, role string) (*pgx.Conn, error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), v.url(role, passwords[role]))
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	}
	return conn, err
}

// lets wants exactly these logins to be let in.
func (v *volume) lets(t *testing.T, when string, wanted ...string) {
	t.Helper()
	for role := range passwords {
		want := false
		for _, w := range wanted {
			want = want || w == role
		}
		if conn, err := v.tryLogin(t, role); (err == nil) != want {
			t.Errorf("%s: %s is let in: %t (%v), want %t", when, role, err == nil, err, want)
		} else if err == nil {
			_ = conn.Close(t.Context())
		}
	}
}

func newLogin(role string) logins.Login {
	return logins.Login{Role: role, Verifier: credentials.Verifier(passwords[role])}
}

// A whole rotation on a running server, and the start of the server at each step of it: no old password comes back, none that is
// in use is lost.
func TestLoginsRotateWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	v.mount(t, "")
	server := v.start(t)
	server.await(t, serving, ready)
	restart := func() {
		t.Helper()
		v.mustShutDown(t, server)
		server = v.start(t, "CMHF_EXPECT_DATA=true")
		server.await(t, serving, ready)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	first, err := v.tryLogin(t, "cmhf_app")
	must(err)
	owner, err := v.tryLogin(t, "cmhf_owner")
	must(err)
	for _, statement := range []string{"CREATE TABLE person (id int, owner name DEFAULT current_user)", "GRANT SELECT, INSERT (id) ON person TO cmhf_app",
		"ALTER TABLE person ENABLE ROW LEVEL SECURITY", "CREATE POLICY mine ON person TO cmhf_app USING (owner = current_user) WITH CHECK (true)"} {
		_, err := owner.Exec(t.Context(), statement)
		must(err)
	}
	_ = owner.Close(t.Context())
	_, err = first.Exec(t.Context(), "INSERT INTO person (id) VALUES (1)")
	must(err)

	// The next logins are made while the first ones are at work; doing it twice is doing it once.
	v.mount(t, "_2", "")
	for range 2 {
		must(logins.Make(t.Context(), v.url("cmhf_owner", passwords["cmhf_owner"]), newLogin("cmhf_owner_2"), newLogin("cmhf_app_2")))
	}
	v.lets(t, "both generations", "cmhf_owner", "cmhf_app", "cmhf_owner_2", "cmhf_app_2")
	second, err := v.tryLogin(t, "cmhf_app_2")
	must(err)
	var rows int
	var user string
	must(second.QueryRow(t.Context(), "SELECT count(*), current_user FROM person GROUP BY 2").Scan(&rows, &user))
	if rows != 1 || user != "cmhf_app" {
		t.Errorf("as cmhf_app_2 there are %d rows as %s, want 1 as cmhf_app", rows, user)
	}
	for _, statement := range []string{"CREATE TABLE mine (id int)", "CREATE ROLE another", "GRANT cmhf_app TO cmhf_owner_2", "SET ROLE cmhf_owner"} {
		if _, err := second.Exec(t.Context(), statement); err == nil {
			t.Errorf("cmhf_app_2 may: %s", statement)
		}
	}
	restart()
	v.lets(t, "a start while the next logins are made", "cmhf_owner", "cmhf_app", "cmhf_owner_2", "cmhf_app_2")
	// The mounted file lags behind: it knows nothing of the next generation yet.
	v.mount(t, "")
	restart()
	v.lets(t, "a start with a file that lags behind", "cmhf_owner", "cmhf_app", "cmhf_owner_2", "cmhf_app_2")
	v.mount(t, "", "_2")
	restart()
	v.lets(t, "a start after the switch", "cmhf_owner", "cmhf_app", "cmhf_owner_2", "cmhf_app_2")

	// Retiring ends sessions, those of the old owner's login too.
	old, err := v.tryLogin(t, "cmhf_app")
	must(err)
	oldOwner, err := v.tryLogin(t, "cmhf_owner")
	must(err)
	second, err = v.tryLogin(t, "cmhf_app_2")
	must(err)
	for range 2 {
		must(logins.RetireOthers(t.Context(), v.url("cmhf_owner_2", passwords["cmhf_owner_2"]), "cmhf_owner_2", "cmhf_app_2"))
	}
	v.lets(t, "the first generation retired", "cmhf_owner_2", "cmhf_app_2")
	for name, conn := range map[string]*pgx.Conn{"cmhf_app": old, "cmhf_owner": oldOwner} {
		if err := conn.Ping(t.Context()); err == nil {
			t.Errorf("the session of %s still runs", name)
		}
	}
	if err := second.Ping(t.Context()); err != nil {
		t.Errorf("the session of the current login was ended: %v", err)
	}
	restart() // the file still lists the first generation before the second
	v.lets(t, "a start with a file that lags behind the retirement", "cmhf_owner_2", "cmhf_app_2")
	v.mount(t, "_2")
	restart()
	v.lets(t, "a start afterwards", "cmhf_owner_2", "cmhf_app_2")

	// From the second generation on the owner's login is a member of its group.
	must(logins.Make(t.Context(), v.url("cmhf_owner_2", passwords["cmhf_owner_2"]), newLogin("cmhf_owner_3"), newLogin("cmhf_app_3")))
	must(logins.RetireOthers(t.Context(), v.url("cmhf_owner_3", passwords["cmhf_owner_3"]), "cmhf_owner_3", "cmhf_app_3"))
	v.lets(t, "the third generation", "cmhf_owner_3", "cmhf_app_3")
	third, err := v.tryLogin(t, "cmhf_owner_3")
	must(err)
	if _, err := third.Exec(t.Context(), "ALTER TABLE person ADD COLUMN note text"); err != nil {
		t.Errorf("cmhf_owner_3 can't change what the first owner made: %v", err)
	}
	v.mustShutDown(t, server)
	for role, password := range passwords {
		if strings.Contains(server.output.String(), password) {
			t.Errorf("the log holds the password of %s", role)
		}
	}
}

// A volume that comes from an earlier time, or from elsewhere, is brought to what the Secret says at its start: the logins that it
// came with are of no use any more.
func TestEntryBringsAnotherVolumeToTheLogins(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	v.mount(t, "", "_2")
	first := v.start(t)
	first.await(t, serving, ready)
	v.lets(t, "a new volume in the middle of a rotation", "cmhf_owner", "cmhf_app", "cmhf_owner_2", "cmhf_app_2")
	v.mustShutDown(t, first)
	v.mount(t, "_3")
	second := v.start(t)
	second.await(t, serving, ready)
	v.lets(t, "a volume of two generations ago", "cmhf_owner_3", "cmhf_app_3")
	v.mustShutDown(t, second)

	for name, list := range map[string]string{"another role": "postgres x\n", "no verifier": "cmhf_app\n", "another group": "cmhf_owner x\n"} {
		v.mount(t, "_3")
		v.write(t, v.config+"/logins/app", list)
		run := v.start(t)
		if code := run.wait(t); code == 0 || !strings.Contains(run.output.String(), "the mounted list of logins can't be used") {
			t.Errorf("%s: exit code %d:\n%s", name, code, run.output.String())
		}
		if state := v.state(t); state != "shut down" {
			t.Errorf("%s: the database is left %q", name, state)
		}
	}
}

// Nothing is retired in favour of a login that lets nobody in, and no text from outside becomes SQL.
func TestLoginsAreRefused(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	v.mount(t, "")
	server := v.start(t)
	server.await(t, serving, ready)
	url := v.url("cmhf_owner", passwords["cmhf_owner"])
	if err := logins.RetireOthers(t.Context(), url, "cmhf_owner_2", "cmhf_app_2"); err == nil || !strings.Contains(err.Error(), "nothing is retired") {
		t.Errorf("retiring in favour of logins that don't exist: %v", err)
	}
	for _, login := range []logins.Login{
		{Role: "cmhf_app", Verifier: credentials.Verifier("x")},
		{Role: "postgres", Verifier: credentials.Verifier("x")},
		{Role: "cmhf_app_2; DROP ROLE cmhf_app", Verifier: credentials.Verifier("x")},
		{Role: "cmhf_app_2", Verifier: "plain"},
		{Role: "cmhf_app_2", Verifier: credentials.Verifier("x") + "' SUPERUSER --"},
	} {
		if err := logins.Make(t.Context(), url, login); err == nil {
			t.Errorf("made %q", login.Role)
		}
	}
	// As the app nobody makes logins, and a refused password is answered at once.
	if err := logins.Make(t.Context(), v.url("cmhf_app", passwords["cmhf_app"]), newLogin("cmhf_app_2")); err == nil {
		t.Error("cmhf_app makes logins")
	}
	v.lets(t, "after refusals", "cmhf_owner", "cmhf_app")
	v.mustShutDown(t, server)
}
