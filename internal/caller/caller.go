// Package caller says who is asking: the principal of a request, where it came
// from, and the account and region that it speaks to. The gateway puts an
// Identity into the context once a signature is verified; handlers read it with
// From. Loops that call other services build one of their own (a role session,
// or a service principal).
package caller

import (
	"context"
	"net/netip"
	"strings"
	"time"
)

// Type is the kind of principal.
type Type string

// The kinds of principals.
const (
	Root        Type = "Root"            // the account itself (the operator's key)
	User        Type = "IAMUser"         // an IAM user
	AssumedRole Type = "AssumedRole"     // a role session
	Federated   Type = "FederatedUser"   // a session of sts:GetFederationToken
	WebIdentity Type = "WebIdentityUser" // somebody with a token of an OIDC issuer, who has no credentials yet
	Service     Type = "AWSService"      // an AWS service acting for itself
	Anonymous   Type = "Anonymous"       // no credentials were given
)

// Identity is who makes a request and how. It is a value: copy it to change it.
type Identity struct {
	Account string // 12 digits: the account of the principal and of the resources it names
	Region  string // region the request is addressed to
	Type    Type
	ARN     string // as sts:GetCallerIdentity tells it
	UserID  string // as sts:GetCallerIdentity tells it

	AccessKeyID     string
	IssuedAt        time.Time         // of a session: when its credentials were made
	RoleARN         string            // AssumedRole: the role behind the session
	SessionName     string            // AssumedRole
	UserARN         string            // Federated: the user, or the account's root, who made the session
	Provider        string            // aws:FederatedProvider: of a web identity, and of the role session it was given
	SourceIdentity  string            // aws:SourceIdentity: of a session, and of those assumed from it
	SessionPolicies []string          // documents passed to AssumeRole
	Tags            map[string]string // aws:PrincipalTag
	TransitiveTags  []string          // keys of the session tags that a role assumed from here gets, too
	ServiceName     string            // Service: for example ecs-tasks.amazonaws.com
	Scope           string            // AssumedRole: ARN of the resource that the session was made for, such as a task
	SourceARN       string            // Service: the resource of a user that it acts for; it may then do only what policies of resources allow it
	ViaService      string            // a service that calls on the principal's behalf, for example cloudformation.amazonaws.com

	SourceIP        netip.Addr
	SourceVPC       string // vpc the request came from, if it came through an endpoint
	SourceVPCE      string // endpoint the request came through
	SecureTransport bool
	UserAgent       string
	RequestID       string
}

// Partition is the partition of the region: always "aws" so far.
func (id Identity) Partition() string { return "aws" }

// Is reports whether the principal is the service of the given name.
func (id Identity) Is(service string) bool {
	return id.Type == Service && strings.EqualFold(id.ServiceName, service)
}

type key struct{}

// With returns a context that carries id.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, key{}, id)
}

// From returns the identity in ctx; the zero Identity (no account, no type)
// when there is none.
func From(ctx context.Context) Identity {
	id, _ := ctx.Value(key{}).(Identity)
	return id
}

// ForService is the identity with which an AWS service acts for itself in an
// account, for example when the ECS scheduler makes a network interface.
func ForService(name, account, region string) Identity {
	return Identity{Account: account, Region: region, Type: Service, ServiceName: name, ARN: name, UserID: name, SecureTransport: true}
}

// ForRoot is the identity of an account's root user.
func ForRoot(account, region string) Identity {
	return Identity{Account: account, Region: region, Type: Root, ARN: "arn:aws:iam::" + account + ":root", UserID: account, SecureTransport: true}
}

// MayTag reports whether the caller may put a tag with this key on a resource:
// keys that begin with "aws:" are for AWS's services, such as CloudFormation's
// aws:cloudformation:stack-name.
func (id Identity) MayTag(key string) bool {
	return id.Type == Service || id.ViaService != "" || !strings.HasPrefix(strings.ToLower(key), "aws:")
}
