// Command coredns is CoreDNS with the few plugins a development cluster needs.
//
// Upstream's main links every plugin; this one links those named below, which
// keeps the build short. Queries pass the plugins in the order of directives:
// template comes last, unlike upstream, so that a configuration can end with an
// answer for everything else. The configuration is written by hack/devcluster.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	dnsserver.Directives = []string{
		"bind",
		"health",
		"ready",
		"errors",
		"cache",
		"kubernetes",
		"template",
	}
	coremain.Run()
}
