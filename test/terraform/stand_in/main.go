// SPDX-License-Identifier: Apache-2.0

// One program, three providers: which one it is, its own name says. See README.md.
package main

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
)

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
	name, _, _ = strings.Cut(name, "_")
	providers := map[string]struct {
		address string
		make    func() provider.Provider
	}{
		"grafana":    {"registry.terraform.io/grafana/grafana", newGrafana},
		"kubernetes": {"registry.terraform.io/hashicorp/kubernetes", newKubernetes},
		"helm":       {"registry.terraform.io/hashicorp/helm", newHelm},
	}
	chosen, found := providers[name]
	if !found {
		log.Fatalf("named %s: link it as terraform-provider-grafana, -kubernetes or -helm", name)
	}
	err := providerserver.Serve(context.Background(), chosen.make,
		providerserver.ServeOpts{Address: chosen.address})
	if err != nil {
		log.Fatal(err)
	}
}
