package ssm

import (
	"context"
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
	managedKey  = "alias/aws/ssm"
)

// PutParameter makes a parameter, or with Overwrite a new version of one.
func (s *Service) PutParameter(ctx context.Context, in *ssmapi.PutParameterRequest) (*ssmapi.PutParameterResult, error) {
	if err := checkPut(in); err != nil {
		return nil, err
	}
	tier, err := chooseTier(in)
	if err != nil {
		return nil, err
	}
	id := caller.From(ctx)
	out := &ssmapi.PutParameterResult{Tier: tier}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		old, exists := state.Parameters.Get(tx, state.Key(id.Account, id.Region, in.Name))
		p, v, err := next(id, in, old, exists)
		if err != nil {
			return err
		}
		v.Tier, v.ModifiedAt, v.ModifiedBy = string(tier), s.now(), id.ARN
		if err := s.setValue(p, &v, in); err != nil {
			return err
		}
		if p.Versions, err = appendVersion(p, v); err != nil {
			return err
		}
		out.Version = v.Version
		state.Parameters.Put(tx, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
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
	case in.KeyId != "" && in.KeyId != managedKey && !strings.HasSuffix(in.KeyId, ":"+managedKey):
		return &ssmapi.InvalidKeyId{Message: "The KMS key " + in.KeyId + " cannot be used: KMS keys of your own are not carried out by Neargate yet."}
	}
	return nil
}

// chooseTier applies the limits of the tiers.
func chooseTier(in *ssmapi.PutParameterRequest) (ssmapi.ParameterTier, error) {
	size := len(in.Value)
	switch {
	case size > maxAdvanced:
		return "", invalid("Advanced tier parameters support a maximum parameter value of 8192 characters.")
	case in.Tier == ssmapi.ParameterTierAdvanced, in.Tier == ssmapi.ParameterTierIntelligentTiering && size > maxStandard:
		return ssmapi.ParameterTierAdvanced, nil
	case size > maxStandard:
		return "", invalid("Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	}
	return ssmapi.ParameterTierStandard, nil
}

// next prepares the record with which a request goes on, and its new version.
func next(id caller.Identity, in *ssmapi.PutParameterRequest, old *state.Parameter, exists bool) (*state.Parameter, state.ParameterVersion, error) {
	if !exists {
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
func (s *Service) setValue(p *state.Parameter, v *state.ParameterVersion, in *ssmapi.PutParameterRequest) error {
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
		v.Value = in.Value
		return nil
	}
	v.KeyID = managedKey
	if in.KeyId != "" {
		v.KeyID = in.KeyId
	}
	sealed, err := s.keys.Seal(p.Account, sealContext(p, v.Version), []byte(in.Value))
	v.Sealed = sealed
	return err
}

// sealContext binds a ciphertext to its parameter and version.
func sealContext(p *state.Parameter, version int64) string {
	return fmt.Sprintf("%s:%d", p.ARN(), version)
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

// LabelParameterVersion puts labels on a version, taking them from any other.
func (s *Service) LabelParameterVersion(ctx context.Context, in *ssmapi.LabelParameterVersionRequest) (*ssmapi.LabelParameterVersionResult, error) {
	out := &ssmapi.LabelParameterVersionResult{InvalidLabels: []string{}}
	var labels []string
	for _, label := range in.Labels {
		if validLabel(label) {
			labels = append(labels, label)
		} else {
			out.InvalidLabels = append(out.InvalidLabels, label)
		}
	}
	err := s.update(ctx, in.Name, func(p *state.Parameter) error {
		out.ParameterVersion = wire.Or(in.ParameterVersion, p.Current().Version)
		i := slices.IndexFunc(p.Versions, func(v state.ParameterVersion) bool { return v.Version == out.ParameterVersion })
		if i < 0 {
			return &ssmapi.ParameterVersionNotFound{Message: fmt.Sprintf("Systems Manager could not find version %d of %s. Verify the version and try again.", out.ParameterVersion, in.Name)}
		}
		for n := range p.Versions {
			p.Versions[n].Labels = slices.DeleteFunc(slices.Clone(p.Versions[n].Labels), func(l string) bool { return slices.Contains(labels, l) })
		}
		p.Versions[i].Labels = append(p.Versions[i].Labels, labels...)
		if len(p.Versions[i].Labels) > 10 {
			return &ssmapi.ParameterVersionLabelLimitExceeded{Message: "A parameter version can have maximum 10 labels. Move one or more labels to another version and try again."}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

var labelPattern = regexp.MustCompile(`^[A-Za-z_.-][A-Za-z0-9_.-]*$`)

func validLabel(label string) bool {
	lower := strings.ToLower(label)
	return labelPattern.MatchString(label) && !strings.HasPrefix(lower, "aws") && !strings.HasPrefix(lower, "ssm")
}
