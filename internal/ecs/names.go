package ecs

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

var identifier = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

const defaultCluster = "default"

// clusterName reads a cluster's short name or ARN; empty is the default cluster.
func (c scope) clusterName(ref string) (string, error) {
	if ref == "" {
		return defaultCluster, nil
	}
	if !strings.HasPrefix(ref, "arn:") {
		if !identifier.MatchString(ref) {
			return "", invalid("Invalid identifier: Identifier is for cluster. Your identifier is %s", ref)
		}
		return ref, nil
	}
	a, err := arn.Parse(ref)
	if err != nil || a.Type() != "cluster" {
		return "", invalid("Invalid identifier: Identifier is for cluster. Your identifier is %s", ref)
	}
	if a.Account != c.Account || a.Region != c.Region {
		return "", clusterNotFound()
	}
	return a.ID(), nil
}

// cluster returns the ACTIVE cluster that ref names.
func (c scope) cluster(tx *store.Tx, ref string) (*state.Cluster, error) {
	name, err := c.clusterName(ref)
	if err != nil {
		return nil, err
	}
	cluster, ok := state.Clusters.Get(tx, c.key(name))
	if !ok || cluster.Status != "ACTIVE" {
		return nil, clusterNotFound()
	}
	return cluster, nil
}

// resourceName reads the name of a service or the id of a task, short or as ARN
// (with or without the cluster in it).
func resourceName(kind, ref string) string {
	if a, err := arn.Parse(ref); err == nil && a.Type() == kind {
		return ref[strings.LastIndexByte(ref, '/')+1:]
	}
	return ref
}

// taskDefinition returns the revision that ref names: family (its newest ACTIVE
// revision), family:revision or an ARN. It returns nil when there is none.
func (c scope) taskDefinition(tx *store.Tx, ref string) *state.TaskDefinition {
	family, revision := c.familyAndRevision(ref)
	if family == "" {
		return nil
	}
	if revision > 0 {
		d, _ := state.TaskDefinitions.Get(tx, state.TaskDefinitionKey(c.Account, c.Region, family, revision))
		return d
	}
	var newest *state.TaskDefinition
	for d := range state.TaskDefinitions.All(tx, c.key(family+":")) {
		if d.Status == "ACTIVE" {
			newest = d
		}
	}
	return newest
}

// familyAndRevision takes a reference apart; an empty family means that it
// cannot name anything here.
func (c scope) familyAndRevision(ref string) (family string, revision int) {
	if strings.HasPrefix(ref, "arn:") {
		a, err := arn.Parse(ref)
		if err != nil || a.Type() != "task-definition" || a.Account != c.Account || a.Region != c.Region {
			return "", 0
		}
		ref = a.ID()
	}
	family, digits, found := strings.Cut(ref, ":")
	if !found {
		return family, 0
	}
	revision, err := strconv.Atoi(digits)
	if err != nil || revision < 1 {
		return "", 0
	}
	return family, revision
}
