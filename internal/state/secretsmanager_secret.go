package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Secret is a secret of AWS Secrets Manager, without its values. Written by secretsmanager.
type Secret struct {
	Account, Region, Name string

	Suffix      string // six characters that end the ARN
	Description string
	KMSKeyID    string // as given; "" for the AWS-managed key
	CreatedAt   time.Time
	ChangedAt   time.Time
	AccessedAt  time.Time // to within a day; zero before the first access
	DeletedAt   time.Time // when it will be gone for good; zero while it lives
	Policy      string    // resource policy document; "" without
	Tags        []Tag
	Versions    []SecretVersion // oldest first
}

// SecretVersion is one value of a secret.
type SecretVersion struct {
	ID        string   // the client's request token
	Stages    []string // staging labels
	CreatedAt time.Time
	Binary    bool // the value is binary, not text
	Value     Envelope
}

// Key is the record's key.
func (s *Secret) Key() string { return Key(s.Account, s.Region, s.Name) }

// ARN is the secret's ARN.
func (s *Secret) ARN() string {
	return "arn:aws:secretsmanager:" + s.Region + ":" + s.Account + ":secret:" + s.Name + "-" + s.Suffix
}

// Secrets holds secrets by account/region/name.
var Secrets = store.Define("secretsmanager.secret", (*Secret).Key)
