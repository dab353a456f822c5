package cloudformation

import (
	"context"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/state"
)

// DescribeChangeSet describes a change set and what it does.
func (s *Service) DescribeChangeSet(ctx context.Context, in *cloudformationapi.DescribeChangeSetInput) (*cloudformationapi.DescribeChangeSetOutput, error) {
	c, err := s.changeSet(ctx, s.db.Read(), in.ChangeSetName, in.StackName)
	if err != nil {
		return nil, err
	}
	page, next, err := paged(c.Changes, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &cloudformationapi.DescribeChangeSetOutput{
		ChangeSetName: c.Name, ChangeSetId: c.ID, StackId: c.StackID, StackName: c.StackName, Description: c.Description,
		Parameters: parameters(c.Config.Parameters), CreationTime: c.Created, ExecutionStatus: cloudformationapi.ExecutionStatus(c.Execution),
		Status: cloudformationapi.ChangeSetStatus(c.Status), StatusReason: c.StatusReason, NotificationARNs: []string{},
		RollbackConfiguration: &cloudformationapi.RollbackConfiguration{}, Capabilities: capabilityList(c.Config.Capabilities), Tags: tagList(c.Config.Tags),
		Changes: []cloudformationapi.Change{}, NextToken: next, IncludeNestedStacks: c.Nested, ImportExistingResources: c.Imports, OnStackFailure: cloudformationapi.OnStackFailure(c.OnFailure),
	}
	for _, change := range page {
		out.Changes = append(out.Changes, cloudformationapi.Change{Type: "Resource", ResourceChange: resourceChange(change, in.IncludePropertyValues)})
	}
	return out, nil
}

func resourceChange(c state.ResourceChange, values bool) *cloudformationapi.ResourceChange {
	out := &cloudformationapi.ResourceChange{
		Action: cloudformationapi.ChangeAction(c.Action), LogicalResourceId: c.LogicalID, PhysicalResourceId: c.PhysicalID, ResourceType: c.Type,
		Replacement: cloudformationapi.Replacement(c.Replacement), PolicyAction: cloudformationapi.PolicyAction(c.Policy),
		Scope: []cloudformationapi.ResourceAttribute{}, Details: []cloudformationapi.ResourceChangeDetail{},
	}
	if values {
		out.BeforeContext, out.AfterContext = c.Before, c.After
	}
	for _, scope := range c.Scope {
		out.Scope = append(out.Scope, cloudformationapi.ResourceAttribute(scope))
	}
	for _, d := range c.Details {
		target := &cloudformationapi.ResourceTargetDefinition{
			Attribute: cloudformationapi.ResourceAttribute(d.Attribute), Name: d.Name, RequiresRecreation: cloudformationapi.RequiresRecreation(d.Recreation),
		}
		if values && d.Name != "" {
			target.Path, target.BeforeValue, target.AfterValue = "/"+d.Attribute+"/"+d.Name, d.Before, d.After
			target.AttributeChangeType = cloudformationapi.AttributeChangeType(d.Kind)
		}
		out.Details = append(out.Details, cloudformationapi.ResourceChangeDetail{
			Target: target, Evaluation: cloudformationapi.EvaluationType(d.Evaluation), ChangeSource: cloudformationapi.ChangeSource(d.Source), CausingEntity: d.Causing,
		})
	}
	return out
}
