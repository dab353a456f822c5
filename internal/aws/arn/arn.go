// Package arn parses and prints Amazon Resource Names. It imports nothing of
// ours, and everything may import it.
package arn

import (
	"errors"
	"strings"
)

// Partition is the partition of every ARN that we make.
const Partition = "aws"

// ARN is a parsed Amazon Resource Name: arn:partition:service:region:account:resource.
type ARN struct {
	Partition string // aws
	Service   string // for example ecs, s3
	Region    string // empty for global resources (IAM) and for S3
	Account   string // 12 digits; empty for S3; "aws" for AWS's managed policies
	Resource  string // everything after the fifth colon: cluster/default, secret:name-AbCdEf
}

// New is an ARN in our partition.
func New(service, region, account, resource string) ARN {
	return ARN{Partition, service, region, account, resource}
}

// Format prints the ARN of a resource in our partition.
func Format(service, region, account, resource string) string {
	return New(service, region, account, resource).String()
}

// ErrNotARN is returned for a string that is not an ARN.
var ErrNotARN = errors.New("not an ARN")

// Parse reads an ARN. Region, account and resource may be empty or contain
// wildcards: ARNs in policies are read too.
func Parse(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" {
		return ARN{}, ErrNotARN
	}
	return ARN{parts[1], parts[2], parts[3], parts[4], parts[5]}, nil
}

// Is reports whether s looks like an ARN.
func Is(s string) bool {
	_, err := Parse(s)
	return err == nil
}

// String prints the ARN.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// Type is the part of the resource before its first "/" or ":" (cluster in
// cluster/default); empty when the resource has neither (an S3 bucket).
func (a ARN) Type() string {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[:i]
	}
	return ""
}

// ID is the part of the resource after the first "/" or ":"; the whole resource when it has neither.
func (a ARN) ID() string {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[i+1:]
	}
	return a.Resource
}
