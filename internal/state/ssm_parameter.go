package state

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Parameter is a parameter of Systems Manager's Parameter Store. Written by ssm.
type Parameter struct {
	Account, Region, Name string

	Type     string // String, StringList, SecureString
	Tags     []Tag
	Versions []ParameterVersion // oldest first; the last is the current one
}

// ParameterVersion is one value of a parameter with what was said about it then.
type ParameterVersion struct {
	Version        int64
	Value          string   // of String and StringList
	Secure         Envelope // of SecureString
	Description    string
	AllowedPattern string
	KeyID          string // of SecureString
	Tier           string // Standard, Advanced
	ModifiedAt     time.Time
	ModifiedBy     string // ARN
	Labels         []string
}

// Key is the record's key.
func (p *Parameter) Key() string { return Key(p.Account, p.Region, p.Name) }

// ARN is the parameter's ARN.
func (p *Parameter) ARN() string { return ParameterARN(p.Account, p.Region, p.Name) }

// ParameterARN is the ARN of a parameter of the given name.
func ParameterARN(account, region, name string) string {
	return "arn:aws:ssm:" + region + ":" + account + ":parameter/" + strings.TrimPrefix(name, "/")
}

// Current is the newest version.
func (p *Parameter) Current() *ParameterVersion { return &p.Versions[len(p.Versions)-1] }

// Parameters holds parameters by account/region/name.
var Parameters = store.Define("ssm.parameter", (*Parameter).Key)
