package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// OIDCProvider is an issuer of web identities that an account trusts. Written by iam.
type OIDCProvider struct {
	Account     string
	URL         string // without its scheme: issuer.example/path
	Plain       bool   // http: only of issuers on loopback
	ClientIDs   []string
	Thumbprints []string // SHA-1 of the issuer's certificates, in hex
	CreatedAt   time.Time
	Tags        []Tag
}

// ARN is the provider's ARN.
func (p *OIDCProvider) ARN() string { return "arn:aws:iam::" + p.Account + ":oidc-provider/" + p.URL }

// OIDCProviders holds the providers by ARN.
var OIDCProviders = store.Define("iam.oidc-provider", (*OIDCProvider).ARN,
	store.By("account", func(p *OIDCProvider) []string { return []string{p.Account} }))

// AccountAlias is the one alias of an account. Written by iam.
type AccountAlias struct{ Account, Name string }

// AccountAliases holds the aliases by account; index "name" takes the alias,
// which no two accounts share.
var AccountAliases = store.Define("iam.account-alias", func(a *AccountAlias) string { return a.Account },
	store.By("name", func(a *AccountAlias) []string { return []string{a.Name} }))

// IAMReport is a report that was asked for: an account's credential report, or
// what a principal or policy was last used for. Written by iam.
type IAMReport struct {
	Account string
	ID      string // "credentials", or the id of a job
	At      time.Time
	ARN     string // of a job: whose use it tells
	Actions bool   // of a job: also tells about actions
	Content []byte // of the credential report: CSV
}

// IAMReports holds the reports.
var IAMReports = store.Define("iam.report", func(r *IAMReport) string { return Key(r.Account, "", r.ID) })
