package pages

import (
	"net/http"
)

// Message is a page without figures: it says what is the matter and what to do.
type Message struct {
	Status    int
	Title     string
	Lines     []string
	Action    *Action
	Reference string // finds this request in the logs; "" leaves it out
}

// Action is the one thing that the reader is most likely to want next.
type Action struct{ Text, Href string }

// Message draws a message; viewer is nil when nobody is signed in.
func (r *Renderer) Message(w http.ResponseWriter, viewer *Viewer, m Message) error {
	f := frame{Title: m.Title, Viewer: viewer, Page: m}
	if viewer != nil {
		f.Nav = navigation("")
	}
	return r.write(w, m.Status, "message", f)
}

// SignedOut invites to sign in.
func (r *Renderer) SignedOut(signIn string) Message {
	return Message{
		Status: http.StatusOK,
		Title:  "Sign in to see how community mental health care is doing",
		Lines: []string{
			"These pages show how the core community mental health services of " + r.icsName + " are doing: how many people ask for help, wait, receive care and leave with support.",
			"Use your work account. You need the role of digital lead, service lead or practitioner.",
			"All figures are counts of groups of people. No page shows anything about one person.",
		},
		Action: &Action{"Sign in", signIn},
	}
}

// Forbidden tells a signed-in person that the account has no right to the figures.
func (r *Renderer) Forbidden(reference string) Message {
	return Message{
		Status: http.StatusForbidden,
		Title:  "Your account has no role in this ICS",
		Lines: []string{
			"You are signed in, but your account does not have a role that lets it see the figures of " + r.icsName + " (" + r.odsCode + ").",
			"Ask the person who manages accounts for this integrated care system to give yours the role of digital lead, service lead or practitioner. Then sign out and sign in again.",
			"If you work in another integrated care system, use the dashboard of that system.",
		},
		Reference: reference,
	}
}

// FiguresAway tells that the coordination API does not answer.
func (r *Renderer) FiguresAway(retry, reference string) Message {
	return Message{
		Status: http.StatusServiceUnavailable,
		Title:  "The figures cannot be shown at the moment",
		Lines: []string{
			"The service that holds the figures is not answering. This has nothing to do with your account, and there is nothing that you need to change.",
			"Try again in a few minutes. If it still does not work after half an hour, tell your support team and give them the reference below.",
		},
		Action:    &Action{"Try again", retry},
		Reference: reference,
	}
}

// SignInAway tells that the identity provider does not answer.
func (r *Renderer) SignInAway(retry, reference string) Message {
	return Message{
		Status: http.StatusServiceUnavailable,
		Title:  "Sign-in is not available at the moment",
		Lines: []string{
			"The service that checks who you are is not answering.",
			"Try again in a few minutes. If it still does not work after half an hour, tell your support team and give them the reference below.",
		},
		Action:    &Action{"Try again", retry},
		Reference: reference,
	}
}

// SignInStale tells that a sign-in cannot be finished.
func (r *Renderer) SignInStale(signIn string) Message {
	return Message{
		Status: http.StatusBadRequest,
		Title:  "That sign-in could not be finished",
		Lines: []string{
			"It took longer than 10 minutes, it began in another browser, or the page was opened again from a bookmark or the history.",
		},
		Action: &Action{"Sign in again", signIn},
	}
}

// SignInRefused tells that the identity provider did not let the person in.
func (r *Renderer) SignInRefused(signIn, reference string) Message {
	return Message{
		Status: http.StatusForbidden,
		Title:  "You are not signed in",
		Lines: []string{
			"The sign-in was cancelled, or your organisation's sign-in service did not accept it.",
			"Try again with your work account. If that does not work, tell your support team and give them the reference below.",
		},
		Action:    &Action{"Sign in again", signIn},
		Reference: reference,
	}
}

// SignInTooLarge tells that the identity provider's access token does not fit into cookies.
func (r *Renderer) SignInTooLarge(reference string) Message {
	return Message{
		Status: http.StatusInternalServerError,
		Title:  "Your sign-in is too large to be kept",
		Lines: []string{
			"Your organisation's sign-in service let you in, but the access token that it gave is larger than browsers keep. This happens when tokens list every group that an account belongs to.",
			"Signing in again does not help. Ask the people who run the sign-in service to leave out what this dashboard does not need, so that the token is shorter than 5 kB, and give them the reference below.",
		},
		Reference: reference,
	}
}

// TokenRefused tells that the coordination API does not accept what the identity provider gave, twice in a row.
func (r *Renderer) TokenRefused(reference string) Message {
	return Message{
		Status: http.StatusBadGateway,
		Title:  "Your sign-in is not accepted by the service that holds the figures",
		Lines: []string{
			"You are signed in, and were signed in again just now, but the service that holds the figures accepts neither sign-in. This has nothing to do with your role.",
			"Try again in a few minutes. If it still does not work, tell your support team that the coordination service refuses the access tokens of the sign-in service, and give them the reference below.",
		},
		Action:    &Action{"Try again", "/"},
		Reference: reference,
	}
}

// FormRefused tells that a form did not come from a page of this session.
func (r *Renderer) FormRefused() Message {
	return Message{
		Status: http.StatusForbidden,
		Title:  "That did not work",
		Lines:  []string{"The page that you used was opened before your last sign-in. Go back to the dashboard and try again from there."},
		Action: &Action{"Go to the dashboard", "/"},
	}
}

// NotFound tells that there is no such page.
func (r *Renderer) NotFound() Message {
	return Message{
		Status: http.StatusNotFound,
		Title:  "Page not found",
		Lines:  []string{"If you typed the address, check that it is correct. If you followed a link, it may be out of date."},
		Action: &Action{"Go to the dashboard", "/"},
	}
}

// Broken tells that something went wrong here.
func (r *Renderer) Broken(reference string) Message {
	return Message{
		Status: http.StatusInternalServerError,
		Title:  "Something went wrong",
		Lines: []string{
			"The dashboard could not do what you asked. Try again in a few minutes. If it happens again, tell your support team and give them the reference below.",
		},
		Action:    &Action{"Go to the dashboard", "/"},
		Reference: reference,
	}
}
