package secretsmanager

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// DescribeSecret returns everything about a secret but its values.
func (s *Service) DescribeSecret(ctx context.Context, in *secretsmanagerapi.DescribeSecretRequest) (*secretsmanagerapi.DescribeSecretResponse, error) {
	sec, err := s.find(s.db.Read(), caller.From(ctx), in.SecretId)
	if err != nil {
		return nil, err
	}
	return &secretsmanagerapi.DescribeSecretResponse{
		ARN: sec.ARN(), Name: sec.Name, Description: sec.Description, KmsKeyId: sec.KMSKeyID, CreatedDate: sec.CreatedAt,
		LastChangedDate: sec.ChangedAt, LastAccessedDate: sec.AccessedAt, DeletedDate: sec.DeletedAt,
		Tags: describeTags(sec.Tags), VersionIdsToStages: stagesOf(sec),
	}, nil
}

// stagesOf maps the versions that have labels to them.
func stagesOf(sec *state.Secret) map[string][]string {
	var out map[string][]string
	for _, v := range sec.Versions {
		if len(v.Stages) > 0 {
			if out == nil {
				out = map[string][]string{}
			}
			out[v.ID] = v.Stages
		}
	}
	return out
}

// ListSecretVersionIds lists the versions of a secret, newest first.
func (s *Service) ListSecretVersionIds(ctx context.Context, in *secretsmanagerapi.ListSecretVersionIdsRequest) (*secretsmanagerapi.ListSecretVersionIdsResponse, error) {
	sec, err := s.find(s.db.Read(), caller.From(ctx), in.SecretId)
	if err != nil {
		return nil, err
	}
	out := &secretsmanagerapi.ListSecretVersionIdsResponse{ARN: sec.ARN(), Name: sec.Name, Versions: []secretsmanagerapi.SecretVersionsListEntry{}}
	started, limit := in.NextToken == "", int(wire.Or(in.MaxResults, 100))
	for _, v := range slices.Backward(sec.Versions) {
		switch {
		case !started:
			started = v.ID == in.NextToken
			continue
		case len(v.Stages) == 0 && !wire.Or(in.IncludeDeprecated, false):
			continue
		case len(out.Versions) == limit:
			out.NextToken = out.Versions[limit-1].VersionId
			return out, nil
		}
		out.Versions = append(out.Versions, secretsmanagerapi.SecretVersionsListEntry{VersionId: v.ID, VersionStages: v.Stages, CreatedDate: v.CreatedAt})
	}
	return out, nil
}

// ListSecrets lists the secrets of the account and region.
func (s *Service) ListSecrets(ctx context.Context, in *secretsmanagerapi.ListSecretsRequest) (*secretsmanagerapi.ListSecretsResponse, error) {
	id := caller.From(ctx)
	var found []*state.Secret
	for sec := range state.Secrets.All(s.db.Read(), state.Prefix(id.Account, id.Region)) {
		if s.gone(sec, s.now()) || !sec.DeletedAt.IsZero() && !wire.Or(in.IncludePlannedDeletion, false) {
			continue
		}
		if passes(sec, in.Filters) {
			found = append(found, sec)
		}
	}
	sortSecrets(found, in)
	return pageOfSecrets(found, in)
}

// sortSecrets orders a list; without a wish, by creation, newest first.
func sortSecrets(list []*state.Secret, in *secretsmanagerapi.ListSecretsRequest) {
	key := func(sec *state.Secret) int64 {
		switch in.SortBy {
		case secretsmanagerapi.SortByTypeLastAccessedDate:
			return sec.AccessedAt.UnixNano()
		case secretsmanagerapi.SortByTypeLastChangedDate:
			return sec.ChangedAt.UnixNano()
		}
		return sec.CreatedAt.UnixNano()
	}
	slices.SortStableFunc(list, func(a, b *state.Secret) int {
		order := cmp.Compare(key(a), key(b))
		if in.SortBy == secretsmanagerapi.SortByTypeName {
			order = 0
		}
		order = cmp.Or(order, cmp.Compare(a.Name, b.Name))
		if in.SortOrder == secretsmanagerapi.SortOrderTypeAsc {
			return order
		}
		return -order
	})
}

func pageOfSecrets(list []*state.Secret, in *secretsmanagerapi.ListSecretsRequest) (*secretsmanagerapi.ListSecretsResponse, error) {
	out := &secretsmanagerapi.ListSecretsResponse{SecretList: []secretsmanagerapi.SecretListEntry{}}
	if in.NextToken != "" {
		i := slices.IndexFunc(list, func(sec *state.Secret) bool { return sec.Name == in.NextToken })
		if i < 0 {
			return nil, &secretsmanagerapi.InvalidNextTokenException{Message: "The NextToken value is not valid."}
		}
		list = list[i+1:]
	}
	if limit := int(wire.Or(in.MaxResults, 100)); len(list) > limit {
		list = list[:limit]
		out.NextToken = list[limit-1].Name
	}
	for _, sec := range list {
		out.SecretList = append(out.SecretList, secretsmanagerapi.SecretListEntry{
			ARN: sec.ARN(), Name: sec.Name, Description: sec.Description, KmsKeyId: sec.KMSKeyID, CreatedDate: sec.CreatedAt,
			LastChangedDate: sec.ChangedAt, LastAccessedDate: sec.AccessedAt, DeletedDate: sec.DeletedAt,
			Tags: describeTags(sec.Tags), SecretVersionsToStages: stagesOf(sec),
		})
	}
	return out, nil
}

// passes reports whether a secret fits every filter: one of a filter's values
// must be the start of the text, and with "!" none may.
func passes(sec *state.Secret, filters []secretsmanagerapi.Filter) bool {
	for _, f := range filters {
		texts := filterTexts(sec, f.Key)
		ok := false
		for _, v := range f.Values {
			want, negated := strings.CutPrefix(v, "!")
			ok = ok || slices.ContainsFunc(texts, func(text string) bool { return startsWith(f.Key, text, want) }) != negated
		}
		if !ok {
			return false
		}
	}
	return true
}

// startsWith compares with case, but for descriptions and "all".
func startsWith(key secretsmanagerapi.FilterNameStringType, text, want string) bool {
	if key == secretsmanagerapi.FilterNameStringTypeDescription || key == secretsmanagerapi.FilterNameStringTypeAll {
		text, want = strings.ToLower(text), strings.ToLower(want)
		return slices.ContainsFunc(strings.Fields(text), func(word string) bool { return strings.HasPrefix(word, want) }) || strings.HasPrefix(text, want)
	}
	return strings.HasPrefix(text, want)
}

func filterTexts(sec *state.Secret, key secretsmanagerapi.FilterNameStringType) []string {
	var keys, values []string
	for _, t := range sec.Tags {
		keys, values = append(keys, t.Key), append(values, t.Value)
	}
	switch key {
	case secretsmanagerapi.FilterNameStringTypeName:
		return []string{sec.Name}
	case secretsmanagerapi.FilterNameStringTypeDescription:
		return []string{sec.Description}
	case secretsmanagerapi.FilterNameStringTypeTagKey:
		return keys
	case secretsmanagerapi.FilterNameStringTypeTagValue:
		return values
	case secretsmanagerapi.FilterNameStringTypeAll:
		return slices.Concat([]string{sec.Name, sec.Description}, keys, values)
	}
	return nil // primary-region and owning-service: no secret of ours has replicas, or another owner
}
