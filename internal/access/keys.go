package access

import (
	"context"
	"crypto/subtle"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// The operator's account and keys. They work only where the request comes from
// a trusted source.
const (
	OperatorAccount   = "000000000000"
	OperatorKeyID     = "test"
	OperatorKeySecret = "test"
)

// Keys finds out who is behind an access key. It is safe for concurrent use.
type Keys struct {
	db   *store.DB
	seal seal.Sealer
	now  func() time.Time
	uses *uses

	mu       sync.Mutex
	secrets  map[*state.AccessKey]string // of records that were opened once
	sessions map[string]*Session         // by token
}

// maxCached bounds each of the caches, which start again when they are full.
const maxCached = 8192

// NewKeys returns the Keys of a database. Run must be running for last uses to
// be stored.
func NewKeys(db *store.DB, seal seal.Sealer) *Keys {
	return &Keys{db: db, seal: seal, now: time.Now, uses: newUses(db)}
}

// Run stores when keys and roles were last used, until ctx ends.
func (k *Keys) Run(ctx context.Context) error { return k.uses.run(ctx) }

// Lookup implements gateway.Keys: the secret of an access key and who it speaks
// for. Errors are *sigv4.Error of kinds UnknownKey, BadToken and ExpiredToken.
// Nothing is proven by a Lookup: the caller verifies the signature.
func (k *Keys) Lookup(_ context.Context, accessKeyID, token string, trusted bool) (secret string, id caller.Identity, err error) {
	switch {
	case token != "":
		return k.session(accessKeyID, token)
	case accessKeyID == OperatorKeyID && trusted:
		return OperatorKeySecret, caller.ForRoot(OperatorAccount, ""), nil
	}
	return k.longTerm(accessKeyID)
}

func refuse(kind sigv4.Kind) error {
	return &sigv4.Error{Kind: kind, Detail: "The security token included in the request is invalid."}
}

func (k *Keys) longTerm(id string) (string, caller.Identity, error) {
	tx := k.db.Read()
	key, ok := state.AccessKeys.Get(tx, id)
	if !ok || key.Inactive {
		return "", caller.Identity{}, refuse(sigv4.UnknownKey)
	}
	secret, err := k.secretOf(key)
	if err != nil {
		return "", caller.Identity{}, err
	}
	if key.User == "" {
		return secret, caller.ForRoot(key.Account, ""), nil
	}
	user, ok := state.Users.Get(tx, state.IAMKey(key.Account, key.User))
	if !ok {
		return "", caller.Identity{}, refuse(sigv4.UnknownKey)
	}
	return secret, caller.Identity{
		Account: key.Account, AccessKeyID: key.ID, Type: caller.User, ARN: user.ARN(), UserID: user.ID, Tags: tagMap(user.Tags, nil), SecureTransport: true,
	}, nil
}

// Secret is the secret of a long-term access key, for a stack that hands on a key
// which it made.
func (k *Keys) Secret(accessKeyID string) (secret string, ok bool) {
	key, ok := state.AccessKeys.Get(k.db.Read(), accessKeyID)
	if !ok {
		return "", false
	}
	secret, err := k.secretOf(key)
	return secret, err == nil
}

// secretOf opens a record's secret once; a changed record is another pointer.
func (k *Keys) secretOf(key *state.AccessKey) (string, error) {
	k.mu.Lock()
	secret, ok := k.secrets[key]
	k.mu.Unlock()
	if ok {
		return secret, nil
	}
	plain, err := k.seal.Open(key.Secret, SecretPurpose(key.ID))
	if err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.secrets == nil || len(k.secrets) >= maxCached {
		k.secrets = map[*state.AccessKey]string{}
	}
	k.secrets[key] = string(plain)
	return string(plain), nil
}

// SecretPurpose is the purpose under which an access key's secret is sealed.
func SecretPurpose(accessKeyID string) string { return "access key " + accessKeyID }

func (k *Keys) session(accessKeyID, token string) (string, caller.Identity, error) {
	s, err := k.open(token)
	if err != nil || subtle.ConstantTimeCompare([]byte(s.AccessKeyID), []byte(accessKeyID)) != 1 {
		return "", caller.Identity{}, refuse(sigv4.BadToken)
	}
	if !k.now().Before(s.Expires) {
		return "", caller.Identity{}, &sigv4.Error{Kind: sigv4.ExpiredToken, Detail: "The security token included in the request is expired"}
	}
	id := s.identity()
	tx := k.db.Read()
	for _, arn := range s.PolicyARNs {
		document, ok := documentOf(tx, arn)
		if !ok {
			document = denyAll
		}
		id.SessionPolicies = append(id.SessionPolicies[:len(id.SessionPolicies):len(id.SessionPolicies)], document)
	}
	switch {
	case s.RoleARN != "":
		role, ok := RoleOf(tx, s.RoleARN)
		if !ok || role.ID != s.RoleID {
			return "", caller.Identity{}, refuse(sigv4.UnknownKey)
		}
		id.Tags = tagMap(role.Tags, s.Tags)
	case s.User != "":
		user, ok := state.Users.Get(tx, state.IAMKey(s.Account, s.User))
		if !ok || user.ID != s.UserID {
			return "", caller.Identity{}, refuse(sigv4.UnknownKey)
		}
		id.Tags = tagMap(user.Tags, s.Tags)
	default:
		id.Tags = s.Tags
	}
	return s.Secret, id, nil
}

// denyAll stands for a session policy that was deleted: it must not widen the session.
const denyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

func (k *Keys) open(token string) (*Session, error) {
	k.mu.Lock()
	s, ok := k.sessions[token]
	k.mu.Unlock()
	if ok {
		return s, nil
	}
	s, err := openSession(k.seal, token)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sessions == nil || len(k.sessions) >= maxCached {
		k.sessions = map[string]*Session{}
	}
	k.sessions[token] = s
	return s, nil
}

// Session reads the session of a token, whoever holds it. ok is false when the
// token is not one of ours.
func (k *Keys) Session(token string) (s Session, ok bool) {
	p, err := k.open(token)
	if err != nil {
		return Session{}, false
	}
	return *p, true
}

// Issue makes the credentials of a session. The session's keys are filled here.
func (k *Keys) Issue(s Session) (Credentials, error) { return s.issue(k.seal) }

func tagMap(tags []state.Tag, over map[string]string) map[string]string {
	if len(tags) == 0 {
		return over
	}
	m := make(map[string]string, len(tags)+len(over))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	for key, v := range over {
		for name := range m { // tag keys differ by more than case
			if strings.EqualFold(name, key) {
				delete(m, name)
			}
		}
		m[key] = v
	}
	return m
}
