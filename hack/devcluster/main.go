// Command devcluster runs a real, single-node Kubernetes cluster on a Linux
// machine, made from Go modules and Debian packages: it needs no container
// registry and no other download site.
//
// The node runs in namespaces of its own, so that stopping it leaves nothing
// behind, and is reachable from the host on loopback only. Run `devcluster help`
// for the commands.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cmhf/operator/hack/devcluster/internal/build"
	"github.com/cmhf/operator/hack/devcluster/internal/cluster"
	"github.com/cmhf/operator/hack/devcluster/internal/node"
	"github.com/cmhf/operator/hack/devcluster/internal/progress"
	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

const usage = `devcluster runs a single-node Kubernetes cluster for development and tests.

  devcluster [FLAG...] COMMAND

commands
  up               start the cluster, or heal it; says so when it runs already
  down             stop it and remove all it left, data included
  status           show every part; exit code 0 only when all is well
  load ARCHIVE...  import OCI image archives
  kubeconfig       print the path of the administrator's kubeconfig
  exec -- CMD...   run a command inside the cluster's namespaces
  assets           print a folder with etcd, kube-apiserver and kubectl
                   (KUBEBUILDER_ASSETS); needs no root and starts nothing

flags
`

// exit is an error that carries an exit code of its own.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	err := run(os.Args[1:])
	var code exit
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.As(err, &code):
		os.Exit(int(code))
	default:
		fmt.Fprintf(os.Stderr, "devcluster: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if err, handled := inNode(args); handled {
		return err
	}
	var s settings.Settings
	var cache string
	flags := flag.NewFlagSet("devcluster", flag.ContinueOnError)
	flags.StringVar(&s.Name, "name", "cmhf-dev", "name of the cluster and its node")
	flags.IntVar(&s.APIPort, "api-port", 16443, "loopback port of the API server")
	flags.IntVar(&s.HTTPPort, "http-port", 8080, "port of http://<service>.<namespace>.cmhf.localhost, on loopback and in the cluster")
	flags.StringVar(&s.State, "state", "", "folder for data and logs (default /var/lib/cmhf-dev/<name>)")
	flags.StringVar(&cache, "cache", "", "folder for built programs (default cmhf-dev in the user's cache folder)")
	flags.StringVar(&s.Repo, "repo", "", "root of the repository (default: looked for from the current folder upward)")
	flags.Usage = func() { printUsage(flags, flags.Output()) }
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.State == "" {
		s.State = settings.DefaultState(s.Name)
	}
	s.Cache = build.Cache(cache)
	if cache == "" {
		var err error
		if s.Cache, err = build.DefaultCache(); err != nil {
			return err
		}
	}
	if err := s.Check(); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return exit(2)
	}
	if flags.Arg(0) == "help" {
		printUsage(flags, os.Stdout)
		return nil
	}
	return command(context.Background(), s, flags.Arg(0), flags.Args()[1:])
}

// command runs one command on the cluster of the settings.
func command(ctx context.Context, s settings.Settings, name string, args []string) error {
	p := progress.New(os.Stderr)
	switch name {
	case "up":
		s, err := withRepo(s)
		if err != nil {
			return err
		}
		return cluster.Up(ctx, s, p)
	case "down":
		return cluster.Down(ctx, s, p)
	case "status":
		ok, err := cluster.Status(ctx, s, os.Stdout)
		if err == nil && !ok {
			err = exit(1)
		}
		return err
	case "load":
		return cluster.Load(ctx, s, args, p)
	case "kubeconfig":
		return kubeconfig(s)
	case "exec":
		if len(args) > 0 && args[0] == "--" {
			args = args[1:]
		}
		code, err := cluster.Exec(ctx, s, args)
		if err == nil && code != 0 {
			err = exit(code)
		}
		return err
	case "assets":
		return assets(s)
	default:
		return fmt.Errorf("no command %q: run `devcluster help`", name)
	}
}

// kubeconfig prints the path of the administrator's kubeconfig.
func kubeconfig(s settings.Settings) error {
	if _, err := os.Stat(s.Kubeconfig()); err != nil {
		return fmt.Errorf("cluster %s has no kubeconfig yet (%w): start it with `devcluster up`", s.Name, err)
	}
	fmt.Println(s.Kubeconfig())
	return nil
}

// inNode runs the hidden commands by which a node starts its own processes.
func inNode(args []string) (err error, handled bool) {
	if len(args) != 2 {
		return nil, false
	}
	switch args[0] {
	case node.InitCommand:
		return node.Init(args[1]), true
	case node.SuperviseCommand:
		return node.Supervise(context.Background(), args[1]), true
	case node.FrontDoorCommand:
		return node.FrontDoor(context.Background(), args[1]), true
	default:
		return nil, false
	}
}

func printUsage(flags *flag.FlagSet, w io.Writer) {
	fmt.Fprint(w, usage)
	flags.SetOutput(w)
	flags.PrintDefaults()
}

// withRepo fills in the repository's root.
func withRepo(s settings.Settings) (settings.Settings, error) {
	start, marker := s.Repo, filepath.Join("hack", "kube", "go.mod")
	if start != "" {
		if _, err := os.Stat(filepath.Join(start, marker)); err != nil {
			return s, fmt.Errorf("--repo %s: there is no %s in it", start, marker)
		}
		var err error
		s.Repo, err = filepath.Abs(start)
		return s, err
	}
	here, err := os.Getwd()
	if err != nil {
		return s, fmt.Errorf("find the current folder: %w", err)
	}
	for folder := here; ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, marker)); err == nil {
			s.Repo = folder
			return s, nil
		}
		if folder == filepath.Dir(folder) {
			return s, fmt.Errorf("no %s in %s or above it: run in the repository, or give --repo", marker, here)
		}
	}
}
