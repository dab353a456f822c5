package archtest

import (
	"slices"
	"strings"
	"testing"
)

// services are the packages of AWS services. They meet in records (state), in
// generated API interfaces, and in small interfaces that cmd/neargate satisfies,
// and never import each other.
var services = []string{
	"internal/cloudformation", "internal/cloudtrail", "internal/cloudwatch", "internal/ec2", "internal/ecr", "internal/ecs", "internal/elbv2", "internal/iam", "internal/kms", "internal/logs",
	"internal/s3", "internal/route53", "internal/secretsmanager", "internal/servicediscovery", "internal/ssm", "internal/sts",
}

// leaves import nothing of ours, or only what is listed.
var leaves = map[string][]string{
	"internal/aws/arn":        nil,
	"internal/aws/wire":       nil,
	"internal/aws/sigv4":      nil,
	"internal/ids":            nil,
	"internal/fault":          nil,
	"internal/seal":           nil,
	"internal/caller":         {"internal/aws/arn"},
	"internal/store":          {"internal/fault"},
	"internal/reconcile":      nil,
	"internal/iam/policy":     {"internal/aws/arn", "internal/wildcard"},
	"internal/wildcard":       nil,
	"internal/ecs/deployment": {"internal/ecs/placement"},
	"internal/ecs/placement":  nil,
}

// dataPlane packages know nothing of AWS's API shapes, records or services: plain values only.
var dataPlane = []string{
	"internal/blob", "internal/dns", "internal/edge", "internal/frontdoor", "internal/healthcheck", "internal/hostsfile", "internal/image", "internal/loadbalancer", "internal/logstore",
	"internal/metadata", "internal/metrics", "internal/network", "internal/pki", "internal/registry", "internal/runtime",
}

func TestLeavesImportNothingOfOurs(t *testing.T) {
	for _, s := range sources(t) {
		allowed, isLeaf := leaves[s.dir]
		if !isLeaf || s.test {
			continue
		}
		for _, imported := range s.imports() {
			if !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s; %s may import only %v", s.path, imported, s.dir, allowed)
			}
		}
	}
}

func TestServicesDoNotImportServices(t *testing.T) {
	for _, s := range sources(t) {
		mine := under(services, s.dir)
		if mine == "" || s.test {
			continue
		}
		for _, imported := range s.imports() {
			other := under(services, imported)
			if other != "" && other != mine && imported != "internal/iam/policy" {
				t.Errorf("%s: service %s imports service %s", s.path, mine, imported)
			}
			if imported == "internal/gateway" || imported == "internal/control" || strings.HasPrefix(imported, "cmd/") {
				t.Errorf("%s: service %s imports %s, which is above it", s.path, mine, imported)
			}
		}
	}
}

func TestDataPlaneKnowsNoAWS(t *testing.T) {
	for _, s := range sources(t) {
		mine := under(dataPlane, s.dir)
		if mine == "" || s.test {
			continue
		}
		for _, imported := range s.imports() {
			if imported == "internal/state" || imported == "internal/caller" || imported == "internal/authorize" || under(services, imported) != "" || strings.HasSuffix(imported, "api") && strings.HasPrefix(imported, "internal/aws/") {
				t.Errorf("%s: data plane package %s imports %s", s.path, mine, imported)
			}
		}
	}
}

// planners are pure: they read no clock, do no I/O and take no context.
var planners = []string{"internal/ecs/deployment", "internal/ecs/placement", "internal/iam/policy", "internal/cloudformation/template", "internal/cloudformation/sam", "internal/check/terraform", "internal/cloudwatch/alarm", "internal/cloudwatch/expression", "internal/loadbalancer/rule", "internal/suggest"}

func TestPlannersArePure(t *testing.T) {
	banned := []string{"context", "os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand"}
	for _, s := range sources(t) {
		if s.test || !slices.Contains(planners, s.dir) {
			continue
		}
		for _, spec := range s.file.Imports {
			if path := strings.Trim(spec.Path.Value, `"`); slices.Contains(banned, path) {
				t.Errorf("%s imports %s; planners are pure", s.path, path)
			}
		}
		if usesClock(s.file) {
			t.Errorf("%s reads the clock; planners are given the time", s.path)
		}
	}
}

// under returns the entry of list that dir is, or is below of.
func under(list []string, dir string) string {
	for _, root := range list {
		if dir == root || strings.HasPrefix(dir, root+"/") {
			return root
		}
	}
	return ""
}
