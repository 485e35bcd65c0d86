package logins

import (
	"context"
	"errors"
	"fmt"
)

// Run does what the command `coordination-api logins` is asked to, with the logins that the environment names:
//
//	make            CMHF_OWNER_LOGIN, CMHF_OWNER_VERIFIER, CMHF_APP_LOGIN, CMHF_APP_VERIFIER
//	retire-others   CMHF_OWNER_LOGIN, CMHF_APP_LOGIN: those that are kept
func Run(ctx context.Context, args []string, getenv func(string) string) error {
	if len(args) != 1 {
		return errors.New("usage: coordination-api logins make | retire-others")
	}
	owner := Login{Role: getenv("CMHF_OWNER_LOGIN"), Verifier: getenv("CMHF_OWNER_VERIFIER")}
	app := Login{Role: getenv("CMHF_APP_LOGIN"), Verifier: getenv("CMHF_APP_VERIFIER")}
	if owner.Role == "" || app.Role == "" {
		return errors.New("CMHF_OWNER_LOGIN and CMHF_APP_LOGIN: set them to the names of the logins")
	}
	switch args[0] {
	case "make":
		return Make(ctx, "", owner, app)
	case "retire-others":
		return RetireOthers(ctx, "", owner.Role, app.Role)
	}
	return fmt.Errorf("unknown command logins %q: make or retire-others", args[0])
}
