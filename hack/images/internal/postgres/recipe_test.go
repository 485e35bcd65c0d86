package postgres

import "testing"

func TestKeyFollowsSources(t *testing.T) {
	one := newRecipe(sources{content: []byte("deb a")}).key()
	if again := newRecipe(sources{content: []byte("deb a")}).key(); again != one {
		t.Error("the same recipe has two keys")
	}
	if other := newRecipe(sources{content: []byte("deb b")}).key(); other == one {
		t.Error("other package sources have the same key")
	}
}

func TestKeep(t *testing.T) {
	for name, want := range map[string]bool{
		"usr/bin/env":                    true,
		"etc/passwd":                     true,
		"run":                            true,
		"run/postgresql":                 true,
		"run/lock":                       false,
		"etc/apt/sources.list":           false,
		"etc/resolv.conf":                false,
		"var/lib/postgresql":             true,
		"var/lib/postgresql/15/main":     false,
		"var/lib/postgresql-common":      true,
		"etc/ssl/private/ssl-cert.key":   false,
		"usr/share/postgresql-common/pg": true,
	} {
		if got := keep(name); got != want {
			t.Errorf("keep(%s) = %t", name, got)
		}
	}
}
