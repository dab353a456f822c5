package audit

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/caller"
)

// appendIdentity writes the userIdentity element:
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func appendIdentity(b []byte, id *caller.Identity) []byte {
	o := object{b: append(b, '{')}
	if id.Type == caller.Service {
		o.text("type", "AWSService")
		o.text("invokedBy", id.ServiceName)
		return append(o.b, '}')
	}
	kind := string(id.Type)
	if id.Type == caller.Anonymous {
		kind = "AWSAccount"
	}
	o.text("type", kind)
	o.optional("principalId", id.UserID)
	o.optional("arn", id.ARN)
	o.text("accountId", id.Account)
	o.optional("accessKeyId", id.AccessKeyID)
	if id.Type == caller.User {
		o.text("userName", UserName(id.ARN))
	}
	if !id.IssuedAt.IsZero() {
		o.key("sessionContext")
		o.b = appendSession(o.b, id)
	}
	if id.Scope != "" {
		scope := object{b: []byte{'{'}}
		scope.optional("issuerType", ResourceType(id.Scope))
		scope.text("credentialsIssuedTo", id.Scope)
		o.raw("inScopeOf", append(scope.b, '}'))
	}
	o.optional("invokedBy", id.ViaService)
	return append(o.b, '}')
}

func appendSession(b []byte, id *caller.Identity) []byte {
	o := object{b: append(b, '{')}
	if id.RoleARN != "" {
		issuer := object{b: []byte{'{'}}
		principal, _, _ := strings.Cut(id.UserID, ":")
		issuer.text("type", "Role")
		issuer.text("principalId", principal)
		issuer.text("arn", id.RoleARN)
		issuer.text("accountId", id.Account)
		issuer.text("userName", UserName(id.RoleARN))
		o.raw("sessionIssuer", append(issuer.b, '}'))
	}
	attributes := object{b: []byte{'{'}}
	attributes.text("creationDate", id.IssuedAt.UTC().Format(time.RFC3339))
	attributes.text("mfaAuthenticated", "false")
	o.raw("attributes", append(attributes.b, '}'))
	return append(o.b, '}')
}

// UserName is the name in the ARN of a user, role or session: what is behind
// the last slash.
func UserName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
