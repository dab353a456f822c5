// Package managed holds the AWS-managed policies that people who run containers
// name: those of ECS, CDK, SAM and their neighbours. The documents are AWS's
// own, as published in the AWS Managed Policy Reference
// (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/), with the
// version and dates given there; only the newest version is carried. A policy
// that is not here does not exist for Neargate.
//
// Policy ids are not published: ours are derived from the name.
package managed

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
)

// Account stands in the ARNs of AWS-managed policies where a customer's have theirs.
const Account = "aws"

//go:embed policies.json
var data []byte

// Policy is an AWS-managed policy.
type Policy struct {
	Name     string
	Path     string
	Version  string // id of the version, for example v10
	Created  time.Time
	Updated  time.Time
	Document string `json:"-"`
}

// ARN is the policy's ARN.
func (p *Policy) ARN() string { return "arn:aws:iam::aws:policy" + p.Path + p.Name }

// ID is the policy's id: ANPA and 17 characters.
func (p *Policy) ID() string {
	sum := sha256.Sum256([]byte(p.Name))
	return "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

type catalogue struct {
	all   []*Policy // by name
	byARN map[string]*Policy
}

var policies = sync.OnceValue(func() catalogue {
	var raw []struct {
		Policy
		Document json.RawMessage
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		panic("managed: " + err.Error()) // the data is part of the program
	}
	c := catalogue{byARN: make(map[string]*Policy, len(raw))}
	for i := range raw {
		p := &raw[i].Policy
		p.Document = string(raw[i].Document)
		c.all = append(c.all, p)
		c.byARN[p.ARN()] = p
	}
	slices.SortFunc(c.all, func(a, b *Policy) int { return strings.Compare(a.Name, b.Name) })
	return c
})

// Get returns the policy with the given ARN.
func Get(arn string) (*Policy, bool) {
	p, ok := policies().byARN[arn]
	return p, ok
}

// All returns every policy, by name. Do not change the slice.
func All() []*Policy { return policies().all }
