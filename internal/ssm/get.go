package ssm

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// value returns a version's value: of a SecureString the ciphertext, unless decrypted is wanted.
func (s *Service) value(ctx context.Context, p *state.Parameter, v *state.ParameterVersion, decrypt *bool) (string, error) {
	switch {
	case p.Type != string(ssmapi.ParameterTypeSecureString):
		return v.Value, nil
	case !wire.Or(decrypt, false):
		return base64.StdEncoding.EncodeToString(slices.Concat(v.Secure.DataKey, v.Secure.Sealed)), nil
	}
	plain, err := s.keys.Open(ctx, v.Secure, bound(p))
	if err != nil {
		return "", keyError(err)
	}
	return string(plain), nil
}

func (s *Service) describe(ctx context.Context, p *state.Parameter, v *state.ParameterVersion, selector string, decrypt *bool) (ssmapi.Parameter, error) {
	value, err := s.value(ctx, p, v, decrypt)
	return ssmapi.Parameter{Name: p.Name, Type: ssmapi.ParameterType(p.Type), Value: value, Version: v.Version, Selector: selector,
		LastModifiedDate: v.ModifiedAt, ARN: p.ARN(), DataType: "text"}, err
}

// GetParameter returns one parameter.
func (s *Service) GetParameter(ctx context.Context, in *ssmapi.GetParameterRequest) (*ssmapi.GetParameterResult, error) {
	p, v, selector, err := s.selected(s.db.Read(), caller.From(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	out, err := s.describe(ctx, p, v, selector, in.WithDecryption)
	if err != nil {
		return nil, err
	}
	return &ssmapi.GetParameterResult{Parameter: &out}, nil
}

// GetParameters returns several parameters, and the names that do not exist.
func (s *Service) GetParameters(ctx context.Context, in *ssmapi.GetParametersRequest) (*ssmapi.GetParametersResult, error) {
	out := &ssmapi.GetParametersResult{Parameters: []ssmapi.Parameter{}, InvalidParameters: []string{}}
	tx, id := s.db.Read(), caller.From(ctx)
	for i, name := range in.Names {
		if slices.Contains(in.Names[:i], name) {
			return nil, invalid("Duplicate parameter names are not allowed: " + name)
		}
		p, v, selector, err := s.selected(tx, id, name)
		var notFound *ssmapi.ParameterNotFound
		var noVersion *ssmapi.ParameterVersionNotFound
		if errors.As(err, &notFound) || errors.As(err, &noVersion) {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		if err != nil {
			return nil, err
		}
		shape, err := s.describe(ctx, p, v, selector, in.WithDecryption)
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, shape)
	}
	return out, nil
}

// GetParametersByPath returns the parameters below a path: of the next level, or of all.
func (s *Service) GetParametersByPath(ctx context.Context, in *ssmapi.GetParametersByPathRequest) (*ssmapi.GetParametersByPathResult, error) {
	if !strings.HasPrefix(in.Path, "/") {
		return nil, invalid(`The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". It can't be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.`)
	}
	if err := checkPublic(in.Path); err != nil {
		return nil, err
	}
	if err := checkFilters(in.ParameterFilters, byPathKeys); err != nil {
		return nil, err
	}
	out := &ssmapi.GetParametersByPathResult{Parameters: []ssmapi.Parameter{}}
	below := strings.TrimSuffix(in.Path, "/") + "/"
	limit := int(wire.Or(in.MaxResults, 10))
	for p := range s.all(ctx, below, in.NextToken) {
		if !wire.Or(in.Recursive, false) && strings.Contains(p.Name[len(below):], "/") {
			continue
		}
		v, ok, err := filterVersion(p, in.ParameterFilters)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if len(out.Parameters) == limit {
			out.NextToken = out.Parameters[limit-1].Name
			break
		}
		shape, err := s.describe(ctx, p, v, "", in.WithDecryption)
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, shape)
	}
	return out, nil
}

// all yields the caller's parameters whose names start with a prefix, by name,
// behind the one that a token names.
func (s *Service) all(ctx context.Context, prefix, after string) func(yield func(*state.Parameter) bool) {
	id := caller.From(ctx)
	return func(yield func(*state.Parameter) bool) {
		for p := range state.Parameters.All(s.db.Read(), state.Key(id.Account, id.Region, prefix)) {
			if p.Name > after && !yield(p) {
				return
			}
		}
	}
}

// GetParameterHistory returns the versions of a parameter, oldest first.
func (s *Service) GetParameterHistory(ctx context.Context, in *ssmapi.GetParameterHistoryRequest) (*ssmapi.GetParameterHistoryResult, error) {
	p, err := s.find(s.db.Read(), caller.From(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.GetParameterHistoryResult{Parameters: []ssmapi.ParameterHistory{}}
	start, err := parseToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	for i := start; i < len(p.Versions); i++ {
		if len(out.Parameters) == int(wire.Or(in.MaxResults, 50)) {
			out.NextToken = printToken(i)
			break
		}
		v := &p.Versions[i]
		value, err := s.value(ctx, p, v, in.WithDecryption)
		if err != nil {
			return nil, err
		}
		labels := v.Labels
		if labels == nil {
			labels = []string{}
		}
		out.Parameters = append(out.Parameters, ssmapi.ParameterHistory{
			Name: p.Name, Type: ssmapi.ParameterType(p.Type), KeyId: v.KeyID, LastModifiedDate: v.ModifiedAt, LastModifiedUser: v.ModifiedBy,
			Description: v.Description, Value: value, AllowedPattern: v.AllowedPattern, Version: v.Version, Labels: labels,
			Tier: ssmapi.ParameterTier(v.Tier), Policies: []ssmapi.ParameterInlinePolicy{}, DataType: "text",
		})
	}
	return out, nil
}

func printToken(i int) string { return strconv.Itoa(i) }

func parseToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	i, err := strconv.Atoi(token)
	if err != nil || i < 0 {
		return 0, &ssmapi.InvalidNextToken{Message: "The specified token is not valid."}
	}
	return i, nil
}
