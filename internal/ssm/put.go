package ssm

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Limits of Parameter Store.
const (
	maxStandard = 4096
	maxAdvanced = 8192
	maxVersions = 100

	maxStandardCount = 10_000
	maxAdvancedCount = 100_000
	managedKey       = "alias/aws/ssm"
)

// PutParameter makes a parameter, or with Overwrite a new version of one. A
// SecureString is encrypted before the record is touched.
func (s *Service) PutParameter(ctx context.Context, in *ssmapi.PutParameterRequest) (*ssmapi.PutParameterResult, error) {
	if err := checkPut(in); err != nil {
		return nil, err
	}
	id := caller.From(ctx)
	key := state.Key(id.Account, id.Region, in.Name)
	old, _ := state.Parameters.Get(s.db.Read(), key)
	p, v, err := next(id, in, old)
	if err != nil {
		return nil, err
	}
	if v.Tier, err = chooseTier(in, old); err != nil {
		return nil, err
	}
	v.ModifiedAt, v.ModifiedBy = s.now(), id.ARN
	if err := s.setValue(ctx, p, &v, in); err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		now, _ := state.Parameters.Get(tx, key)
		if now == nil {
			if err := checkCount(tx, id, v.Tier); err != nil {
				return err
			}
		}
		p, fresh, err := next(id, in, now)
		if err != nil {
			return err
		}
		v.Version = fresh.Version
		if p.Versions, err = appendVersion(p, v); err != nil {
			return err
		}
		state.Parameters.Put(tx, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ssmapi.PutParameterResult{Tier: ssmapi.ParameterTier(v.Tier), Version: v.Version}, nil
}

// checkCount applies the limits of parameters per account and region.
func checkCount(tx *store.Tx, id caller.Identity, tier string) error {
	limit, have := maxStandardCount, 0
	if tier == string(ssmapi.ParameterTierAdvanced) {
		limit = maxAdvancedCount
	}
	for p := range state.Parameters.All(tx, state.Prefix(id.Account, id.Region)) {
		if p.Current().Tier == tier {
			have++
		}
	}
	if have >= limit {
		return &ssmapi.ParameterLimitExceeded{Message: "You have exceeded the number of parameters for this AWS account. Delete one or more parameters and try again."}
	}
	return nil
}

// checkPut refuses what no parameter can be.
func checkPut(in *ssmapi.PutParameterRequest) error {
	if arn.Is(in.Name) {
		return invalid("Parameter name must not be an ARN: parameters of other accounts are not carried out by Neargate yet.")
	}
	if err := checkName(in.Name); err != nil {
		return err
	}
	switch {
	case len(in.Tags) > 0 && wire.Or(in.Overwrite, false):
		return invalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case in.Policies != "" && strings.TrimSpace(in.Policies) != "[]":
		return &ssmapi.InvalidPolicyTypeException{Message: "Parameter policies are not carried out by Neargate yet."}
	case in.DataType != "" && in.DataType != "text":
		return invalid("The following data type is not supported: " + in.DataType + " (Data types other than text are not carried out by Neargate yet.)")
	}
	return nil
}

// chooseTier applies the limits of the tiers. A parameter keeps its tier, unless it
// is upgraded.
func chooseTier(in *ssmapi.PutParameterRequest, old *state.Parameter) (string, error) {
	const standard, advanced = string(ssmapi.ParameterTierStandard), string(ssmapi.ParameterTierAdvanced)
	size, was := len(in.Value), old != nil && old.Current().Tier == advanced
	switch {
	case size > maxAdvanced:
		return "", invalid("Advanced tier parameters support a maximum parameter value of 8192 characters.")
	case was && in.Tier == ssmapi.ParameterTierStandard:
		return "", invalid("This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter. Be sure to back up any parameter versions or history as you can't recover deleted parameters.")
	case was, in.Tier == ssmapi.ParameterTierAdvanced, in.Tier == ssmapi.ParameterTierIntelligentTiering && size > maxStandard:
		return advanced, nil
	case size > maxStandard:
		return "", invalid("Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	}
	return standard, nil
}

// next prepares the record with which a request goes on, and its new version; old
// is nil for a new parameter.
func next(id caller.Identity, in *ssmapi.PutParameterRequest, old *state.Parameter) (*state.Parameter, state.ParameterVersion, error) {
	if old == nil {
		if in.Type == "" {
			return nil, state.ParameterVersion{}, invalid("A parameter type is required when you create a parameter.")
		}
		tags, err := putTags(nil, in.Tags)
		p := &state.Parameter{Account: id.Account, Region: id.Region, Name: in.Name, Type: string(in.Type), Tags: tags}
		return p, state.ParameterVersion{Version: 1, Description: wire.Or(in.Description, ""), AllowedPattern: wire.Or(in.AllowedPattern, "")}, err
	}
	switch {
	case !wire.Or(in.Overwrite, false):
		return nil, state.ParameterVersion{}, &ssmapi.ParameterAlreadyExists{Message: "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."}
	case in.Type != "" && string(in.Type) != old.Type:
		return nil, state.ParameterVersion{}, &ssmapi.HierarchyTypeMismatchException{Message: "Parameter Store does not support changing a parameter type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type."}
	}
	p, last := *old, old.Current()
	v := state.ParameterVersion{Version: last.Version + 1, Description: wire.Or(in.Description, last.Description),
		AllowedPattern: wire.Or(in.AllowedPattern, last.AllowedPattern)}
	return &p, v, nil
}

// setValue checks the value and puts it, encrypted if need be, into the version.
func (s *Service) setValue(ctx context.Context, p *state.Parameter, v *state.ParameterVersion, in *ssmapi.PutParameterRequest) error {
	if in.Value == "" {
		return invalid("Parameter value can't be empty.")
	}
	if v.AllowedPattern != "" {
		re, err := regexp.Compile(`^(?:` + v.AllowedPattern + `)$`)
		if err != nil {
			return &ssmapi.InvalidAllowedPatternException{Message: "The regular expression is not valid: " + v.AllowedPattern}
		}
		if !re.MatchString(in.Value) {
			return &ssmapi.ParameterPatternMismatchException{Message: "Parameter value, cannot be validated against allowedPattern: " + v.AllowedPattern}
		}
	}
	if p.Type != string(ssmapi.ParameterTypeSecureString) {
		if in.KeyId != "" {
			return invalid("KeyId is required for SecureString type parameter only.")
		}
		v.Value = in.Value
		return nil
	}
	v.KeyID = managedKey
	if in.KeyId != "" {
		v.KeyID = in.KeyId
	}
	encrypt := s.keys.Encrypt
	if v.Tier == string(ssmapi.ParameterTierAdvanced) {
		encrypt = s.keys.Seal // larger than KMS itself takes
	}
	var err error
	v.Secure, err = encrypt(ctx, v.KeyID, bound(p), []byte(in.Value))
	return keyError(err)
}

// bound binds a ciphertext to its parameter, as AWS's encryption context does.
func bound(p *state.Parameter) map[string]string { return map[string]string{"PARAMETER_ARN": p.ARN()} }

// keyError words a refusal of KMS as Parameter Store does.
func keyError(err error) error {
	var refused wire.Error
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.ErrorCode() == "AccessDeniedException":
		return wire.NewError("AccessDeniedException", 400, "%s", refused.ErrorMessage())
	}
	return &ssmapi.InvalidKeyId{Message: refused.ErrorMessage()}
}

// appendVersion adds a version and forgets the oldest beyond the limit, which
// must not have a label.
func appendVersion(p *state.Parameter, v state.ParameterVersion) ([]state.ParameterVersion, error) {
	versions := p.Versions
	if len(versions) >= maxVersions {
		if oldest := versions[0]; len(oldest.Labels) > 0 {
			return nil, &ssmapi.ParameterMaxVersionLimitExceeded{Message: fmt.Sprintf(
				"You attempted to create a new version of %s by calling the PutParameter API with the overwrite flag. Version %d, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.",
				p.Name, oldest.Version)}
		}
		versions = versions[1:]
	}
	return append(slices.Clone(versions), v), nil
}
