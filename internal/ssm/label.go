package ssm

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

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
			return errNoVersion(out.ParameterVersion, in.Name)
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

// UnlabelParameterVersion takes labels off a version.
func (s *Service) UnlabelParameterVersion(ctx context.Context, in *ssmapi.UnlabelParameterVersionRequest) (*ssmapi.UnlabelParameterVersionResult, error) {
	out := &ssmapi.UnlabelParameterVersionResult{RemovedLabels: []string{}, InvalidLabels: []string{}}
	err := s.update(ctx, in.Name, func(p *state.Parameter) error {
		i := slices.IndexFunc(p.Versions, func(v state.ParameterVersion) bool { return v.Version == in.ParameterVersion })
		if i < 0 {
			return errNoVersion(in.ParameterVersion, in.Name)
		}
		for _, label := range in.Labels {
			if slices.Contains(p.Versions[i].Labels, label) {
				out.RemovedLabels = append(out.RemovedLabels, label)
			} else {
				out.InvalidLabels = append(out.InvalidLabels, label)
			}
		}
		p.Versions[i].Labels = slices.DeleteFunc(slices.Clone(p.Versions[i].Labels), func(l string) bool { return slices.Contains(out.RemovedLabels, l) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func errNoVersion(version int64, name string) error {
	return &ssmapi.ParameterVersionNotFound{Message: fmt.Sprintf("Systems Manager could not find version %d of %s. Verify the version and try again.", version, name)}
}

var labelPattern = regexp.MustCompile(`^[A-Za-z_.-][A-Za-z0-9_.-]*$`)

func validLabel(label string) bool {
	lower := strings.ToLower(label)
	return labelPattern.MatchString(label) && !strings.HasPrefix(lower, "aws") && !strings.HasPrefix(lower, "ssm")
}
