package sts

import (
	"strings"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
)

const maxSessionPolicies = 10

var errDuplicateTags = wire.NewError("InvalidParameterValue", 400, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")

// roleSession is a session of a role that lasts as long as asked for, within the
// role's and the caller's limits.
func (s *Service) roleSession(id caller.Identity, role *state.Role, name string, seconds *int32) (access.Session, error) {
	now := s.now()
	duration, err := roleDuration(id, role, seconds)
	return access.Session{Account: role.Account, RoleARN: role.ARN(), RoleID: role.ID, Name: name, Issued: now, Expires: now.Add(duration)}, err
}

// ofUser makes the session one of the calling user, or of the root user.
func ofUser(session *access.Session, id caller.Identity) {
	if id.Type == caller.User {
		session.User, session.UserARN, session.UserID = id.ARN[strings.LastIndexByte(id.ARN, '/')+1:], id.ARN, id.UserID
	}
}

// restrict adds session policies: one of the request's own and managed ones of
// the account.
func (s *Service) restrict(session *access.Session, account, document string, managed []stsapi.PolicyDescriptorType) error {
	if document != "" {
		if _, err := policy.Parse(document, policy.Inline); err != nil {
			return &stsapi.MalformedPolicyDocumentException{Message: err.Error()}
		}
		session.Policies = []string{document}
	}
	if len(managed) > maxSessionPolicies {
		return validation("PolicyArns can have at most %d members.", maxSessionPolicies)
	}
	for _, p := range managed {
		if !access.PolicyExists(s.db.Read(), account, p.Arn) {
			return validation("Policy %s does not exist or is not attachable.", p.Arn)
		}
		session.PolicyARNs = append(session.PolicyARNs, p.Arn)
	}
	if packedSize(*session) > maxPacked {
		return &stsapi.PackedPolicyTooLargeException{Message: "Packed policy consumes more than 100% of allotted space, please use smaller policy."}
	}
	return nil
}

func packedSize(s access.Session) int {
	n := 0
	for _, p := range s.Policies {
		n += len(p)
	}
	return n
}

// packedPercent is how much of their space the session policies take.
func packedPercent(s access.Session) int32 {
	return int32((packedSize(s)*100 + maxPacked - 1) / maxPacked)
}
