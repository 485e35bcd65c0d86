// The demo program declares three integrated care systems and their services on a cluster where the operator and the
// development identity provider run, waits until all are Ready, loads synthetic activity through the APIs and says how to
// look at it. It can be run again: what is there stays as it is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"github.com/cmhf/operator/internal/testkit/apiclient"
)

// demo is what the steps need.
type demo struct {
	kubectl, kubeconfig string
	cluster             apiclient.Cluster
}

func main() {
	var d demo
	flag.StringVar(&d.kubectl, "kubectl", "kubectl", "kubectl to use")
	flag.StringVar(&d.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "kubeconfig of the cluster")
	flag.IntVar(&d.cluster.HTTPPort, "http-port", 8080, "loopback port of the *.cmhf.localhost names")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := d.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func (d *demo) run(ctx context.Context) error {
	start := time.Now()
	for _, step := range []struct {
		title string
		do    func(context.Context) error
	}{
		{"names of the cluster answer on this machine", d.reachable},
		{"three integrated care systems declared", d.apply("config/samples/ics")},
		{"their namespaces are there", d.wait("ics", "NamespaceReady")},
		{"their services declared", d.apply("config/samples/services")},
		{"every system Ready", d.wait("ics", "Ready")},
		{"every service Ready", d.wait("ccs", "Ready")},
		{"synthetic activity loaded through the APIs", d.load},
	} {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "✗ %-44s %6.1f s\n", step.title, time.Since(began).Seconds())
			return fmt.Errorf("%s: %w", step.title, err)
		}
		fmt.Fprintf(os.Stderr, "✔ %-44s %6.1f s\n", step.title, time.Since(began).Seconds())
	}
	fmt.Fprintf(os.Stderr, "✔ %-44s %6.1f s\n\n", "declared, Ready and filled", time.Since(start).Seconds())
	table, err := d.kubectlOutput(ctx, "", "get", "ics,ccs", "-A")
	if err != nil {
		return err
	}
	fmt.Println(table)
	d.explain()
	return nil
}

// reachable: the samples use names that a development cluster answers, here and in its pods.
func (d *demo) reachable(ctx context.Context) error {
	url := d.cluster.URL("idp", "identity") + "/healthz"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("making a request to the identity provider: %w", err)
	}
	err = patiently(func() error {
		response, err := d.cluster.HTTP().Do(request)
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			err = fmt.Errorf("it answered %s", response.Status)
		}
		return errors.Join(err, response.Body.Close())
	}, 10)
	if err != nil {
		return fmt.Errorf("%s does not answer; the demonstration needs the cluster of make cluster (unset KUBECONFIG), on a cluster of "+
			"your own see docs/install.md: %w", url, err)
	}
	return nil
}

// apply gives the samples to the API server, with the port of this cluster in their URLs.
func (d *demo) apply(folder string) func(context.Context) error {
	return func(ctx context.Context) error {
		text, err := d.kubectlOutput(ctx, "", "kustomize", folder)
		if err != nil {
			return err
		}
		text = strings.ReplaceAll(text, "cmhf.localhost:8080", fmt.Sprintf("cmhf.localhost:%d", d.cluster.HTTPPort))
		_, err = d.kubectlOutput(ctx, text, "apply", "--server-side", "-f", "-")
		return err
	}
}

func (d *demo) wait(kind, condition string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := d.kubectlOutput(ctx, "", "wait", "--for=condition="+condition, kind, "--all", "--all-namespaces", "--timeout=300s")
		if err != nil {
			state, stateErr := d.kubectlOutput(ctx, "", "get", "ics,ccs,pods", "-A")
			if stateErr == nil {
				fmt.Fprintln(os.Stderr, state)
			}
		}
		return err
	}
}

func (d *demo) kubectlOutput(ctx context.Context, input string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, d.kubectl, append([]string{"--kubeconfig", d.kubeconfig}, args...)...)
	command.Stdin = strings.NewReader(input)
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, problems.String())
	}
	return string(out), nil
}
