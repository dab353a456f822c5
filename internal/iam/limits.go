package iam

import (
	"slices"
	"strings"
	"unicode"

	"github.com/neargate/neargate/internal/store"
)

// AWS's default quotas. Sizes are in characters without white space.
const (
	maxRoles            = 1000
	maxUsers            = 5000
	maxPolicies         = 1500
	maxAttached         = 10
	maxVersions         = 5
	maxKeysPerUser      = 2
	maxTags             = 50
	maxGroups           = 300
	maxGroupsPerUser    = 10
	maxInstanceProfiles = 1000
	maxGroupInline      = 5120 // of all inline policies of a group together
	maxTrustPolicy      = 2048
	maxRoleInline       = 10240 // of all inline policies of a role together
	maxUserInline       = 2048  // of all inline policies of a user together
	maxManagedPolicy    = 6144
	maxPathAndNameBytes = 512
)

// size is the length of a document as IAM counts it.
func size(document string) int {
	n := 0
	for _, r := range document {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// full reports whether an account's part of a table has reached its limit.
func full[T any](tx *store.Tx, table *store.Table[T], account string, limit int) bool {
	n := 0
	for range table.All(tx, account+"/") {
		if n++; n >= limit {
			return true
		}
	}
	return false
}

// pathOf completes and checks a path.
func pathOf(path string) (string, error) {
	if path == "" {
		return "/", nil
	}
	if len(path) > maxPathAndNameBytes || strings.Contains(path, "//") {
		return "", validation("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return path, nil
}

func without[T any](list []T, drop func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(list), drop)
}
