package access

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/seal"
)

// Session is what temporary credentials stand for. Exactly one of RoleARN and
// User is set, or neither for the account's root user. A federated user has its
// maker's permissions as far as the session's policies go.
type Session struct {
	Account   string
	RoleARN   string `json:",omitempty"`
	RoleID    string `json:",omitempty"` // a role that is made again does not get its sessions back
	Name      string `json:",omitempty"` // session name
	Provider  string `json:",omitempty"` // of a role session: the OIDC provider of the web identity it was given to
	Federated string `json:",omitempty"` // name of a federated user, made by the user or root below
	User      string `json:",omitempty"`
	UserARN   string `json:",omitempty"`
	UserID    string `json:",omitempty"`

	Issued, Expires time.Time

	Policies       []string          `json:",omitempty"` // documents
	PolicyARNs     []string          `json:",omitempty"`
	Tags           map[string]string `json:",omitempty"`
	TransitiveTags []string          `json:",omitempty"`
	SourceIdentity string            `json:",omitempty"`
	Scope          string            `json:",omitempty"` // ARN of the resource that the session was made for, such as a task

	AccessKeyID string
	Secret      string
}

// Credentials are temporary credentials, and who they make their bearer.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
	// Identity is for calls in process as the session; region and source are not set.
	Identity caller.Identity
}

const tokenPurpose = "session token"

// issue gives the session its keys and seals it.
func (s Session) issue(by seal.Sealer) (Credentials, error) {
	s.AccessKeyID = sessionKeyID(s.Account)
	s.Secret = ids.Mixed(40)
	b, err := json.Marshal(s)
	if err != nil {
		return Credentials{}, err
	}
	return Credentials{
		AccessKeyID:     s.AccessKeyID,
		SecretAccessKey: s.Secret,
		SessionToken:    base64.StdEncoding.EncodeToString(by.Seal(b, tokenPurpose)),
		Expiration:      s.Expires,
		Identity:        s.identity(),
	}, nil
}

// openSession reads a token. It does not look at the clock.
func openSession(by seal.Sealer, token string) (*Session, error) {
	if len(token) > 64<<10 {
		return nil, seal.ErrSealed
	}
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return nil, seal.ErrSealed
	}
	b, err := by.Open(sealed, tokenPurpose)
	if err != nil {
		return nil, err
	}
	var s Session
	return &s, json.Unmarshal(b, &s)
}

func (s *Session) identity() caller.Identity {
	id := caller.Identity{Account: s.Account, AccessKeyID: s.AccessKeyID, IssuedAt: s.Issued, Tags: maps.Clone(s.Tags), SecureTransport: true}
	switch {
	case s.RoleARN != "":
		id.Type, id.RoleARN, id.SessionName = caller.AssumedRole, s.RoleARN, s.Name
		id.ARN = SessionARN(s.Account, s.RoleARN, s.Name)
		id.UserID = s.RoleID + ":" + s.Name
		id.SessionPolicies, id.TransitiveTags = s.Policies, s.TransitiveTags
		id.Provider, id.SourceIdentity = s.Provider, s.SourceIdentity
		id.Scope = s.Scope
	case s.Federated != "":
		id.Type, id.UserID = caller.Federated, s.Account+":"+s.Federated
		id.ARN, id.UserARN = FederatedARN(s.Account, s.Federated), s.UserARN
		if id.UserARN == "" {
			id.UserARN = caller.ForRoot(s.Account, "").ARN
		}
		id.SessionPolicies = s.Policies
	case s.User != "":
		id.Type, id.ARN, id.UserID = caller.User, s.UserARN, s.UserID
	default:
		root := caller.ForRoot(s.Account, "")
		id.Type, id.ARN, id.UserID = root.Type, root.ARN, root.UserID
	}
	return id
}

// FederatedARN is the ARN of a federated user.
func FederatedARN(account, name string) string {
	return "arn:aws:sts::" + account + ":federated-user/" + name
}

// sessionKeyID is the id of a session's access key. It holds the account, as
// AWS's do: 40 bits of it and 40 bits of chance in base32.
func sessionKeyID(account string) string {
	n, err := strconv.ParseUint(account, 10, 40)
	if err != nil {
		return sessionKeyPrefix + ids.Upper(16)
	}
	var b [10]byte
	binary.BigEndian.PutUint64(b[:8], n<<23)
	if _, err := rand.Read(b[5:]); err != nil {
		panic(err) // never fails
	}
	b[5] = b[5]&0x7f | byte(n&1)<<7
	return sessionKeyPrefix + base32.StdEncoding.EncodeToString(b[:])
}

const sessionKeyPrefix = "LSIA"

// AccountOfKey is the account that the id of a session's access key tells.
func AccountOfKey(accessKeyID string) (account string, ok bool) {
	text, ok := strings.CutPrefix(accessKeyID, sessionKeyPrefix)
	b, err := base32.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(b) != 10 {
		return "", false
	}
	return fmt.Sprintf("%012d", binary.BigEndian.Uint64(b[:8])>>23&(1<<40-1)), true
}

// SessionARN is the ARN of a session of a role: the role's name without its path.
func SessionARN(account, roleARN, session string) string {
	return "arn:aws:sts::" + account + ":assumed-role/" + lastSegment(roleARN) + "/" + session
}
