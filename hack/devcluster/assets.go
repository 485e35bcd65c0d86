package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cmhf/operator/hack/devcluster/internal/build"
	"github.com/cmhf/operator/hack/devcluster/internal/progress"
	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// assets builds the control plane's programs if needed and prints their folder.
// Only the folder goes to standard output, for use in $(...).
func assets(s settings.Settings) error {
	s, err := withRepo(s)
	if err != nil {
		return err
	}
	kube, err := build.Kube(s.Repo)
	if err != nil {
		return err
	}
	var binary string
	err = progress.New(os.Stderr).Step("control plane programs (a first build takes about 10 minutes)", func() (string, error) {
		binary, err = s.Cache.Get(kube)
		return "", err
	})
	if err != nil {
		return err
	}
	fmt.Println(filepath.Dir(binary))
	return nil
}
