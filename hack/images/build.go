package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cmhf/operator/hack/images/internal/cnpg"
	"github.com/cmhf/operator/hack/images/internal/golang"
	"github.com/cmhf/operator/hack/images/internal/image"
	"github.com/cmhf/operator/hack/images/internal/postgres"
)

// build builds the wanted images and notes them in images.json.
func build(ctx context.Context, o options, wanted []string) error {
	begin := time.Now()
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("make the folder for the archives: %w", err)
	}
	list, err := image.ReadList(filepath.Join(o.out, "images.json"))
	if err != nil {
		return err
	}
	var programs []string
	for _, name := range wanted {
		if name != postgres.Name && name != cnpg.Name {
			programs = append(programs, name)
		}
	}
	if len(programs) > 0 {
		// One call compiles what the programs share once.
		binaries, err := golang.Build(ctx, golang.Config{Repo: o.repo, Cache: o.cache, Version: o.version, Names: programs})
		if err != nil {
			return err
		}
		say(begin, "compiled %d programs", len(programs))
		for _, name := range programs {
			if err := write(o, list, name, func() (image.Spec, error) { return golang.Image(binaries[name], name, o.version) }); err != nil {
				return err
			}
		}
	}
	if slices.Contains(wanted, postgres.Name) {
		err := write(o, list, postgres.Name, func() (image.Spec, error) { return postgres.Image(ctx, o.cache, os.Stderr) })
		if err != nil {
			return err
		}
	}
	if slices.Contains(wanted, cnpg.Name) {
		err := write(o, list, cnpg.Name, func() (image.Spec, error) { return cnpg.Image(ctx, o.repo, o.cache, os.Stderr) })
		if err != nil {
			return err
		}
	}
	say(begin, "%d images are ready in %s", len(wanted), o.out)
	return nil
}

// write makes one archive unless it is there already, and notes its name.
func write(o options, list *image.List, name string, make func() (image.Spec, error)) error {
	begin := time.Now()
	spec, err := make()
	if err != nil {
		return fmt.Errorf("image %s: %w", name, err)
	}
	spec.Name = o.prefix + "/" + name + ":" + spec.Tag
	result, err := image.Write(spec, filepath.Join(o.out, name+".tar"), list.Get(name))
	if err != nil {
		return fmt.Errorf("image %s: %w", name, err)
	}
	if err := list.Set(name, result.Reference); err != nil {
		return err
	}
	note := ""
	if result.Unchanged {
		note = ", unchanged"
	}
	say(begin, "%s (%.1f MB%s)", result.Reference, float64(result.Size)/1e6, note)
	return nil
}

func say(begin time.Time, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "  %7.1fs  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
}
