package cloudformation

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// GetTemplate returns the template of a stack or change set: as it was given, or
// after its transforms. SAM is given URLs of our own S3 endpoint in S3's public
// spelling, without which it cannot delete a stack.
func (s *Service) GetTemplate(ctx context.Context, in *cloudformationapi.GetTemplateInput) (*cloudformationapi.GetTemplateOutput, error) {
	config, err := s.templateOf(ctx, in.StackName, in.ChangeSetName)
	if err != nil {
		return nil, err
	}
	out := &cloudformationapi.GetTemplateOutput{TemplateBody: config.Template, StagesAvailable: []cloudformationapi.TemplateStage{"Original", "Processed"}}
	if in.TemplateStage == "Processed" && config.Processed != "" {
		out.TemplateBody = config.Processed
	}
	if id := caller.From(ctx); strings.Contains(id.UserAgent, "aws-sam-cli") {
		out.TemplateBody = forSAM(out.TemplateBody, id.Region)
	}
	return out, nil
}

func (s *Service) templateOf(ctx context.Context, stackName, changeSet string) (state.StackConfig, error) {
	if changeSet != "" {
		c, err := s.changeSet(ctx, s.db.Read(), changeSet, stackName)
		if err != nil {
			return state.StackConfig{}, err
		}
		return c.Config, nil
	}
	stack, err := s.existing(ctx, stackName)
	if err != nil {
		return state.StackConfig{}, err
	}
	return stack.Config, nil
}

// ValidateTemplate checks a template's form and tells what it asks for.
func (s *Service) ValidateTemplate(ctx context.Context, in *cloudformationapi.ValidateTemplateInput) (*cloudformationapi.ValidateTemplateOutput, error) {
	text, err := s.source(asCaller(ctx), in.TemplateBody, in.TemplateURL)
	if err != nil {
		return nil, err
	}
	t, _, transforms, err := expand(text, template.Known{}, nil)
	if err != nil {
		return nil, answer(err)
	}
	if err := s.checkTypes(t, nil); err != nil {
		return nil, err
	}
	out := &cloudformationapi.ValidateTemplateOutput{Description: t.Description, DeclaredTransforms: transforms, Parameters: []cloudformationapi.TemplateParameter{}}
	out.Capabilities, out.CapabilitiesReason = s.needs(t, transforms)
	for _, p := range t.Parameters {
		declared := cloudformationapi.TemplateParameter{ParameterKey: p.Name, NoEcho: p.NoEcho, Description: p.Description}
		if p.Default != nil {
			declared.DefaultValue = &p.Default.Text
		}
		out.Parameters = append(out.Parameters, declared)
	}
	return out, nil
}

// needs returns the capabilities that a template asks for, and why.
func (s *Service) needs(t *template.Template, transforms []string) ([]cloudformationapi.Capability, string) {
	capabilities, types := s.capabilities(t)
	why := ""
	if types != nil {
		why = "The following resource(s) require capabilities: [" + strings.Join(types, ", ") + "]"
	}
	if transforms != nil {
		capabilities = append(capabilities, "CAPABILITY_AUTO_EXPAND")
	}
	if capabilities == nil {
		return nil, ""
	}
	return capabilityList(capabilities), why
}

// GetTemplateSummary tells what a template asks for: of a text, or of a stack.
func (s *Service) GetTemplateSummary(ctx context.Context, in *cloudformationapi.GetTemplateSummaryInput) (*cloudformationapi.GetTemplateSummaryOutput, error) {
	if in.StackSetName != "" {
		return nil, notCarriedOut("StackSetName")
	}
	text := ""
	if in.StackName != "" {
		stack, err := s.existing(ctx, in.StackName)
		if err != nil {
			return nil, err
		}
		if stack.Status == "REVIEW_IN_PROGRESS" {
			return nil, invalid("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
		}
		text = stack.Config.Template
	} else {
		var err error
		if text, err = s.source(asCaller(ctx), in.TemplateBody, in.TemplateURL); err != nil {
			return nil, err
		}
	}
	t, _, transforms, err := expand(text, template.Known{}, nil)
	if err != nil {
		return nil, answer(err)
	}
	return s.summary(t, transforms), nil
}

func (s *Service) summary(t *template.Template, transforms []string) *cloudformationapi.GetTemplateSummaryOutput {
	out := &cloudformationapi.GetTemplateSummaryOutput{
		Description: t.Description, Version: t.Version, DeclaredTransforms: transforms,
		Parameters: []cloudformationapi.ParameterDeclaration{}, ResourceTypes: []string{}, ResourceIdentifierSummaries: []cloudformationapi.ResourceIdentifierSummary{},
	}
	if t.Metadata != nil {
		out.Metadata = t.Metadata.JSON()
	}
	out.Capabilities, out.CapabilitiesReason = s.needs(t, transforms)
	for _, p := range t.Parameters {
		declared := cloudformationapi.ParameterDeclaration{ParameterKey: p.Name, ParameterType: p.Type, NoEcho: p.NoEcho, Description: p.Description,
			ParameterConstraints: &cloudformationapi.ParameterConstraints{AllowedValues: p.AllowedValues}}
		if p.Default != nil {
			declared.DefaultValue = &p.Default.Text
		}
		out.Parameters = append(out.Parameters, declared)
	}
	for _, r := range t.Resources {
		if !slices.Contains(out.ResourceTypes, r.Type) {
			out.ResourceTypes = append(out.ResourceTypes, r.Type)
		}
	}
	return out
}
