package kms

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// maxGrants is how many grants a key has at most. AWS allows 50,000; ours are
// kept in the key's record.
const maxGrants = 1000

// contextual are the operations of grants that constraints restrict.
var contextual = []string{"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"}

// CreateGrant lets a principal use the key.
func (s *Service) CreateGrant(ctx context.Context, in *kmsapi.CreateGrantRequest) (*kmsapi.CreateGrantResponse, error) {
	g := state.KMSGrant{ID: ids.Hex(64), Name: in.Name, CreatedAt: s.now(), Grantee: in.GranteePrincipal, GranteeService: in.GranteeServicePrincipal,
		Retiring: in.RetiringPrincipal, RetiringService: in.RetiringServicePrincipal}
	for _, operation := range in.Operations {
		g.Operations = append(g.Operations, string(operation))
	}
	if c := in.Constraints; c != nil {
		g.ContextEquals, g.ContextSubset, g.SourceARN = c.EncryptionContextEquals, c.EncryptionContextSubset, c.SourceArn
	}
	if err := checkGrant(&g); err != nil {
		return nil, err
	}
	id := caller.From(ctx)
	g.IssuingAccount = caller.ForRoot(id.Account, "").ARN
	key, err := s.update(ctx, in.KeyId, func(key *state.KMSKey) error {
		if err := usable(key); err != nil {
			return err
		}
		if i := slices.IndexFunc(key.Grants, func(o state.KMSGrant) bool { return sameGrant(o, g) }); i >= 0 && g.Name != "" {
			g = key.Grants[i] // asked once more by its name
			return nil
		}
		if len(key.Grants) >= maxGrants {
			return &kmsapi.LimitExceededException{Message: "The key has as many grants as are allowed"}
		}
		if in.DryRun {
			return dryRun(true)
		}
		key.Grants = append(slices.Clone(key.Grants), g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kmsapi.CreateGrantResponse{GrantId: g.ID, GrantToken: token(key.ARN(), g.ID)}, nil
}

func checkGrant(g *state.KMSGrant) error {
	for _, p := range []string{g.Grantee, g.Retiring} {
		if p != "" && !strings.HasPrefix(p, "arn:") {
			return &kmsapi.InvalidArnException{Message: "Invalid principal: " + p}
		}
	}
	switch {
	case g.Grantee == "" && g.GranteeService == "":
		return invalid("1 validation error detected: Value null at 'granteePrincipal' failed to satisfy constraint: Member must not be null")
	case len(g.Operations) == 0:
		return invalid("Grant operations must not be empty")
	case g.ContextEquals != nil && g.ContextSubset != nil:
		return invalid("Only one of EncryptionContextEquals and EncryptionContextSubset may be given")
	}
	return nil
}

func sameGrant(a, b state.KMSGrant) bool {
	return a.Name == b.Name && a.Grantee == b.Grantee && a.GranteeService == b.GranteeService && a.Retiring == b.Retiring && slices.Equal(a.Operations, b.Operations) &&
		maps.Equal(a.ContextEquals, b.ContextEquals) && maps.Equal(a.ContextSubset, b.ContextSubset)
}

// token names a grant. Grants are in force at once, so that nobody needs it to use the key.
func token(keyARN, grantID string) string {
	return base64.StdEncoding.EncodeToString([]byte(keyARN + " " + grantID))
}

func openToken(text string) (keyARN, grantID string, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(raw), " ")
}

// RevokeGrant ends a grant.
func (s *Service) RevokeGrant(ctx context.Context, in *kmsapi.RevokeGrantRequest) error {
	return s.removeGrant(ctx, in.KeyId, in.GrantId, in.DryRun)
}

// RetireGrant ends a grant, by those whom it names.
func (s *Service) RetireGrant(ctx context.Context, in *kmsapi.RetireGrantRequest) error {
	keyID, grantID := in.KeyId, in.GrantId
	if in.GrantToken != "" {
		var ok bool
		if keyID, grantID, ok = openToken(in.GrantToken); !ok {
			return &kmsapi.InvalidGrantTokenException{Message: "Invalid grant token"}
		}
	} else if keyID == "" || grantID == "" {
		return invalid("GrantToken, or KeyId and GrantId are required")
	}
	return s.removeGrant(ctx, keyID, grantID, in.DryRun)
}

func (s *Service) removeGrant(ctx context.Context, keyID, grantID string, dry bool) error {
	_, err := s.update(ctx, keyID, func(key *state.KMSKey) error {
		rest := slices.DeleteFunc(slices.Clone(key.Grants), func(g state.KMSGrant) bool { return g.ID == grantID })
		if len(rest) == len(key.Grants) {
			return notFound("Grant ID " + grantID + " not found")
		}
		key.Grants = rest
		return dryRun(dry)
	})
	return err
}

// dryRun is the answer to a request that would have succeeded.
func dryRun(dry bool) error {
	if dry {
		return &kmsapi.DryRunOperationException{Message: "The request would have succeeded, but the DryRun option is set."}
	}
	return nil
}

func grantEntry(key *state.KMSKey, g state.KMSGrant) kmsapi.GrantListEntry {
	e := kmsapi.GrantListEntry{KeyId: key.ARN(), GrantId: g.ID, Name: g.Name, CreationDate: g.CreatedAt, GranteePrincipal: g.Grantee, GranteeServicePrincipal: g.GranteeService,
		RetiringPrincipal: g.Retiring, RetiringServicePrincipal: g.RetiringService, IssuingAccount: g.IssuingAccount}
	for _, operation := range g.Operations {
		e.Operations = append(e.Operations, kmsapi.GrantOperation(operation))
	}
	if g.ContextEquals != nil || g.ContextSubset != nil || g.SourceARN != "" {
		e.Constraints = &kmsapi.GrantConstraints{EncryptionContextEquals: g.ContextEquals, EncryptionContextSubset: g.ContextSubset, SourceArn: g.SourceARN}
	}
	return e
}

func grantID(e kmsapi.GrantListEntry) string { return e.GrantId }

// ListGrants lists the grants of a key.
func (s *Service) ListGrants(ctx context.Context, in *kmsapi.ListGrantsRequest) (*kmsapi.ListGrantsResponse, error) {
	key, err := s.find(s.db.Read(), caller.From(ctx), in.KeyId)
	if err != nil {
		return nil, err
	}
	list := []kmsapi.GrantListEntry{}
	for _, g := range key.Grants {
		if (in.GrantId == "" || in.GrantId == g.ID) && (in.GranteePrincipal == "" || in.GranteePrincipal == g.Grantee) && (in.GranteeServicePrincipal == "" || in.GranteeServicePrincipal == g.GranteeService) {
			list = append(list, grantEntry(key, g))
		}
	}
	out := &kmsapi.ListGrantsResponse{}
	out.Grants, out.NextMarker, out.Truncated, err = page(list, in.Limit, in.Marker, 50, grantID)
	return out, err
}

// ListRetirableGrants lists the grants that a principal may retire.
func (s *Service) ListRetirableGrants(ctx context.Context, in *kmsapi.ListRetirableGrantsRequest) (*kmsapi.ListGrantsResponse, error) {
	id, list := caller.From(ctx), []kmsapi.GrantListEntry{}
	if in.RetiringPrincipal == "" && in.RetiringServicePrincipal == "" {
		return nil, invalid("1 validation error detected: Value null at 'retiringPrincipal' failed to satisfy constraint: Member must not be null")
	}
	for key := range state.KMSKeys.All(s.db.Read(), state.Prefix(id.Account, id.Region)) {
		for _, g := range key.Grants {
			if in.RetiringPrincipal != "" && g.Retiring == in.RetiringPrincipal || in.RetiringServicePrincipal != "" && g.RetiringService == in.RetiringServicePrincipal {
				list = append(list, grantEntry(key, g))
			}
		}
	}
	out := &kmsapi.ListGrantsResponse{}
	var err error
	out.Grants, out.NextMarker, out.Truncated, err = page(list, in.Limit, in.Marker, 50, grantID)
	return out, err
}

// withGrants is the key's policy with its grants as further statements.
func withGrants(key *state.KMSKey) string {
	if len(key.Grants) == 0 {
		return key.Policy
	}
	var d struct {
		Version   string          `json:",omitempty"`
		ID        string          `json:"Id,omitempty"`
		Statement json.RawMessage // one, or a list
	}
	if json.Unmarshal([]byte(key.Policy), &d) != nil {
		return key.Policy // which the evaluation then refuses
	}
	var all []any
	var list []json.RawMessage
	if json.Unmarshal(d.Statement, &list) != nil {
		list = []json.RawMessage{d.Statement}
	}
	for _, raw := range list {
		all = append(all, raw)
	}
	for _, g := range key.Grants {
		for _, st := range grantStatements(g) {
			all = append(all, st)
		}
	}
	b, err := json.Marshal(struct {
		Version   string `json:",omitempty"`
		Statement []any
	}{"2012-10-17", all})
	if err != nil {
		return key.Policy
	}
	return string(b)
}

// grantStatements say in policy language what a grant allows. A grantee that may
// create grants may only pass on what it has.
func grantStatements(g state.KMSGrant) []statement {
	to := principals{AWS: g.Grantee, Service: g.GranteeService}
	base := map[string]map[string][]string{}
	put := func(operator, key string, values ...string) {
		if base[operator] == nil {
			base[operator] = map[string][]string{}
		}
		base[operator][key] = values
	}
	if g.SourceARN != "" {
		put("ArnLike", "aws:SourceArn", g.SourceARN)
	}
	plain := maps.Clone(base)
	for name, value := range g.ContextSubset {
		put("StringEquals", "kms:EncryptionContext:"+name, value)
	}
	for name, value := range g.ContextEquals {
		put("StringEquals", "kms:EncryptionContext:"+name, value)
		put("ForAllValues:StringEquals", "kms:EncryptionContextKeys", slices.Sorted(maps.Keys(g.ContextEquals))...)
	}
	var bound, free []string
	out := []statement{}
	for _, operation := range g.Operations {
		switch {
		case operation == "CreateGrant":
			out = append(out, statement{Sid: "Grant " + g.ID + " to pass on", Effect: "Allow", Principal: to, Action: "kms:CreateGrant", Resource: "*",
				Condition: map[string]map[string][]string{"ForAllValues:StringEquals": {"kms:GrantOperations": g.Operations}}})
		case slices.Contains(contextual, operation):
			bound = append(bound, "kms:"+operation)
		default:
			free = append(free, "kms:"+operation)
		}
	}
	if bound != nil {
		out = append(out, statement{Sid: "Grant " + g.ID, Effect: "Allow", Principal: to, Action: bound, Resource: "*", Condition: base})
	}
	if free != nil {
		out = append(out, statement{Sid: "Grant " + g.ID + " of the rest", Effect: "Allow", Principal: to, Action: free, Resource: "*", Condition: plain})
	}
	if g.Retiring != "" || g.RetiringService != "" {
		out = append(out, statement{Sid: "Grant " + g.ID + " to retire it", Effect: "Allow", Principal: principals{AWS: g.Retiring, Service: g.RetiringService}, Action: "kms:RetireGrant", Resource: "*"})
	}
	return out
}
