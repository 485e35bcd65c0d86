// Package logins makes and retires the roles that programs log in to the tenant's database with, so that a password is replaced
// while the server and the programs run: for a while the old login and the new one work side by side.
//
// There are two groups of logins, cmhf_owner and cmhf_app. The login of the first generation is the group's own role; later ones
// are members named after it and their generation (cmhf_app_2), which act as the group from the moment they connect. It takes
// verifiers (what PostgreSQL stores), never passwords, and works as the owner: that role may make roles and administers cmhf_app.
// Every step may be repeated. It does not decide when to rotate, nor who uses which login (see the operator).
package logins

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Groups of logins, which are roles too.
const (
	Owner = "cmhf_owner"
	App   = "cmhf_app"
)

// Login is a role that a program connects as.
type Login struct {
	Role string
	// Verifier is the password as PostgreSQL stores it (SCRAM-SHA-256$…).
	Verifier string
}

var (
	member   = regexp.MustCompile(`^(cmhf_owner|cmhf_app)_[0-9]{1,9}$`)
	verifier = regexp.MustCompile(`^SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$`)
)

// group gives the group of a login of a later generation.
func (l Login) group() (string, error) {
	found := member.FindStringSubmatch(l.Role)
	if found == nil {
		return "", fmt.Errorf("%q is no login of a later generation, such as %s_2", l.Role, App)
	}
	if !verifier.MatchString(l.Verifier) {
		return "", fmt.Errorf("the verifier of %s is not of the form SCRAM-SHA-256$…", l.Role)
	}
	return found[1], nil
}

// Make makes logins of a later generation, or gives those that exist their verifier again. connection is a URL or empty for the
// PG* variables, and connects as the current owner.
func Make(ctx context.Context, connection string, logins ...Login) error {
	return asOwner(ctx, connection, func(tx pgx.Tx) error {
		for _, login := range logins {
			if err := makeLogin(ctx, tx, login); err != nil {
				return fmt.Errorf("making the login %s: %w", login.Role, err)
			}
			slog.Info("login is made", "role", login.Role)
		}
		return nil
	})
}

func makeLogin(ctx context.Context, tx pgx.Tx, login Login) error {
	group, err := login.group()
	if err != nil {
		return err
	}
	var exists bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", login.Role).Scan(&exists); err != nil {
		return err
	}
	var statements []string
	if !exists {
		statements = append(statements, "CREATE ROLE "+login.Role)
	}
	// The names and the verifier were checked above: neither holds anything to quote.
	statements = append(statements, fmt.Sprintf("ALTER ROLE %s LOGIN PASSWORD '%s'", login.Role, login.Verifier))
	if group == Owner {
		// As the role that logged in: since PostgreSQL 16 only a member with ADMIN OPTION may let others into a group, and no role is
		// a member of itself.
		statements = append(statements, "SET LOCAL ROLE NONE", fmt.Sprintf("GRANT %s TO %s WITH ADMIN OPTION", group, login.Role), "SET LOCAL ROLE "+Owner)
	} else {
		statements = append(statements, fmt.Sprintf("GRANT %s TO %s", group, login.Role))
	}
	statements = append(statements, fmt.Sprintf("ALTER ROLE %s SET role = '%s'", login.Role, group))
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// RetireOthers lets nobody in any more as a login of either group but those that are kept, and ends the sessions of the others.
// The roles stay: without login and password they are inert, and dropping one would need every grant that it made undone.
func RetireOthers(ctx context.Context, connection, owner, app string) error {
	var retired []string
	err := asOwner(ctx, connection, func(tx pgx.Tx) error {
		var usable int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname = ANY ($1)", []string{owner, app}).Scan(&usable); err != nil {
			return err
		}
		if usable != 2 {
			return fmt.Errorf("nothing is retired: %s and %s are to be kept, but not both can log in; make them first", owner, app)
		}
		rows, err := tx.Query(ctx, "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname ~ '^cmhf_(owner|app)(_[0-9]+)?$' AND rolname <> ALL ($1) ORDER BY 1",
			[]string{owner, app})
		if err != nil {
			return err
		}
		if retired, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		for _, role := range retired {
			if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER ROLE %s NOLOGIN PASSWORD NULL", pgx.Identifier{role}.Sanitize())); err != nil {
				return fmt.Errorf("retiring the login %s: %w", role, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := endSessions(ctx, connection, owner, app); err != nil {
		return err
	}
	slog.Info("other logins are retired", "retired", strings.Join(retired, " "), "kept", owner+" "+app)
	return nil
}

// leaveWithin is how long sessions that were ended may take to go.
const leaveWithin = 20 * time.Second

// endSessions ends what still runs under a login that is not kept. It looks again until nothing is left: a session may have begun
// just before its login was retired.
func endSessions(ctx context.Context, connection, owner, app string) error {
	_, err := backoff.Retry(ctx, func() (int, error) {
		var left int
		err := asOwner(ctx, connection, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE usename ~ '^cmhf_(owner|app)(_[0-9]+)?$' AND usename <> ALL ($1)`, []string{owner, app}).Scan(&left)
		})
		if err == nil && left > 0 {
			err = fmt.Errorf("%d sessions of retired logins are still there", left)
		}
		return left, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(200*time.Millisecond)), backoff.WithMaxElapsedTime(leaveWithin))
	return err
}

// reachWithin is how long a database that does not answer is waited for.
const reachWithin = time.Minute

// asOwner does something in one transaction as cmhf_owner.
func asOwner(ctx context.Context, connection string, do func(pgx.Tx) error) error {
	conn, err := backoff.Retry(ctx, func() (*pgx.Conn, error) {
		conn, err := pgx.Connect(ctx, connection)
		var answer *pgconn.PgError
		if errors.As(err, &answer) && answer.Code != cannotConnectNow {
			err = backoff.Permanent(err)
		}
		return conn, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(300*time.Millisecond)), backoff.WithMaxElapsedTime(reachWithin))
	if err != nil {
		return fmt.Errorf("connecting to the database as its owner (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE): %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what was done is committed by then
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Two runs at once would meet in the catalogue; the second waits.
		for _, statement := range []string{"SET LOCAL ROLE " + Owner, "SELECT pg_advisory_xact_lock(hashtext('cmhf logins'))"} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("beginning as %s: %w", Owner, err)
			}
		}
		return do(tx)
	})
}

// cannotConnectNow is the SQLSTATE of a server that starts or stops.
const cannotConnectNow = "57P03"
