package cloudformation

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// pageSize is how many entries a listing returns at once.
const pageSize = 100

// paged cuts a page from a listing. Tokens are positions.
func paged[T any](all []T, token string) ([]T, string, error) {
	at := 0
	if token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		if err == nil {
			at, err = strconv.Atoi(string(text))
		}
		if err != nil || at < 0 {
			return nil, "", invalid("Invalid NextToken")
		}
	}
	rest := all[min(at, len(all)):]
	if len(rest) <= pageSize {
		return slices.Clip(rest), "", nil
	}
	return rest[:pageSize], base64.RawURLEncoding.EncodeToString([]byte(itoa(at + pageSize))), nil
}

// DescribeStacks describes one stack, or all that are not deleted.
func (s *Service) DescribeStacks(ctx context.Context, in *cloudformationapi.DescribeStacksInput) (*cloudformationapi.DescribeStacksOutput, error) {
	if in.StackName != "" {
		s.hold(ctx, in.StackName)
		stack, err := s.existing(ctx, in.StackName)
		if err != nil {
			return nil, err
		}
		return &cloudformationapi.DescribeStacksOutput{Stacks: []cloudformationapi.Stack{describe(stack)}}, nil
	}
	var all []cloudformationapi.Stack
	for _, stack := range s.stacks(ctx) {
		if stack.Status != "DELETE_COMPLETE" {
			all = append(all, describe(stack))
		}
	}
	page, next, err := paged(all, in.NextToken)
	return &cloudformationapi.DescribeStacksOutput{Stacks: page, NextToken: next}, err
}

// stacks returns the stacks of the caller's account and region, newest first.
func (s *Service) stacks(ctx context.Context) []*state.Stack {
	id := caller.From(ctx)
	var all []*state.Stack
	for stack := range state.Stacks.All(s.db.Read(), state.Prefix(id.Account, id.Region)) {
		all = append(all, stack)
	}
	slices.SortStableFunc(all, func(a, b *state.Stack) int { return b.Created.Compare(a.Created) })
	return all
}

// describe is a stack as the API shows it.
func describe(s *state.Stack) cloudformationapi.Stack {
	out := cloudformationapi.Stack{
		StackId: s.ID, StackName: s.Name, ChangeSetId: s.ChangeSetID, Description: s.Config.Description,
		Parameters: parameters(s.Config.Parameters), CreationTime: s.Created, LastUpdatedTime: s.Updated, DeletionTime: s.Deleted,
		RollbackConfiguration: &cloudformationapi.RollbackConfiguration{}, StackStatus: cloudformationapi.StackStatus(s.Status), StackStatusReason: s.StatusReason,
		DisableRollback: s.NoRollback, NotificationARNs: []string{}, Capabilities: capabilityList(s.Config.Capabilities), RoleARN: s.Config.RoleARN,
		Tags: tagList(s.Config.Tags), EnableTerminationProtection: s.Protected, ParentId: s.ParentID, RootId: s.RootID,
		DriftInformation: &cloudformationapi.StackDriftInformation{StackDriftStatus: "NOT_CHECKED"},
	}
	if s.Timeout > 0 {
		minutes := int32(s.Timeout)
		out.TimeoutInMinutes = &minutes
	}
	if s.Status != "DELETE_COMPLETE" {
		for _, o := range s.Outputs {
			out.Outputs = append(out.Outputs, cloudformationapi.Output{OutputKey: o.Key, OutputValue: o.Value, Description: o.Description, ExportName: o.ExportName})
		}
	}
	return out
}

func parameters(in []state.StackParameter) []cloudformationapi.Parameter {
	var out []cloudformationapi.Parameter
	for _, p := range in {
		v := cloudformationapi.Parameter{ParameterKey: p.Key, ParameterValue: p.Value, ResolvedValue: p.Resolved}
		if p.NoEcho {
			v.ParameterValue, v.ResolvedValue = "****", ""
		}
		out = append(out, v)
	}
	return out
}

func tagList(in []state.Tag) []cloudformationapi.Tag {
	out := []cloudformationapi.Tag{}
	for _, t := range in {
		out = append(out, cloudformationapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

func capabilityList(in []string) []cloudformationapi.Capability {
	out := []cloudformationapi.Capability{}
	for _, c := range in {
		out = append(out, cloudformationapi.Capability(c))
	}
	return out
}

// ListStacks lists the stacks of the last 90 days, deleted ones too.
func (s *Service) ListStacks(ctx context.Context, in *cloudformationapi.ListStacksInput) (*cloudformationapi.ListStacksOutput, error) {
	var all []cloudformationapi.StackSummary
	for _, stack := range s.stacks(ctx) {
		status := cloudformationapi.StackStatus(stack.Status)
		if len(in.StackStatusFilter) > 0 && !slices.Contains(in.StackStatusFilter, status) {
			continue
		}
		all = append(all, cloudformationapi.StackSummary{
			StackId: stack.ID, StackName: stack.Name, TemplateDescription: stack.Config.Description, CreationTime: stack.Created, LastUpdatedTime: stack.Updated,
			DeletionTime: stack.Deleted, StackStatus: status, StackStatusReason: stack.StatusReason, ParentId: stack.ParentID, RootId: stack.RootID,
			DriftInformation: &cloudformationapi.StackDriftInformationSummary{StackDriftStatus: "NOT_CHECKED"},
		})
	}
	page, next, err := paged(all, in.NextToken)
	return &cloudformationapi.ListStacksOutput{StackSummaries: page, NextToken: next}, err
}

// DescribeStackEvents lists the events of a stack, newest first.
func (s *Service) DescribeStackEvents(ctx context.Context, in *cloudformationapi.DescribeStackEventsInput) (*cloudformationapi.DescribeStackEventsOutput, error) {
	tx := s.db.Read()
	stack, ok := s.find(ctx, tx, in.StackName)
	if !ok {
		return nil, invalid("Stack [%s] does not exist", in.StackName)
	}
	var all []cloudformationapi.StackEvent
	for e := range state.StackEvents.All(tx, state.StackEventPrefix(stack.Account, stack.Region, stack.ID)) {
		all = append(all, cloudformationapi.StackEvent{
			StackId: e.StackID, EventId: e.ID, StackName: e.StackName, LogicalResourceId: e.LogicalID, PhysicalResourceId: e.PhysicalID, ResourceType: e.Type,
			Timestamp: e.Time, ResourceStatus: cloudformationapi.ResourceStatus(e.Status), ResourceStatusReason: e.Reason, ResourceProperties: e.Properties,
			ClientRequestToken: e.Token, DetailedStatus: cloudformationapi.DetailedStatus(e.DetailedStatus),
		})
	}
	slices.Reverse(all)
	page, next, err := paged(all, in.NextToken)
	return &cloudformationapi.DescribeStackEventsOutput{StackEvents: page, NextToken: next}, err
}

// resourcesOf returns the resources of a stack by logical id.
func (s *Service) resourcesOf(stack *state.Stack) []*state.StackResource {
	var all []*state.StackResource
	for r := range state.StackResources.All(s.db.Read(), state.StackResourceKey(stack.Account, stack.Region, stack.ID, "")) {
		all = append(all, r)
	}
	return all
}

// DescribeStackResource describes one resource of a stack.
func (s *Service) DescribeStackResource(ctx context.Context, in *cloudformationapi.DescribeStackResourceInput) (*cloudformationapi.DescribeStackResourceOutput, error) {
	stack, ok := s.find(ctx, s.db.Read(), in.StackName)
	if !ok {
		return nil, invalid("Stack '%s' does not exist", in.StackName)
	}
	for _, r := range s.resourcesOf(stack) {
		if r.LogicalID != in.LogicalResourceId {
			continue
		}
		return &cloudformationapi.DescribeStackResourceOutput{StackResourceDetail: &cloudformationapi.StackResourceDetail{
			StackName: stack.Name, StackId: stack.ID, LogicalResourceId: r.LogicalID, PhysicalResourceId: r.Live.ID, ResourceType: r.Type,
			LastUpdatedTimestamp: r.Changed, ResourceStatus: cloudformationapi.ResourceStatus(r.Status), ResourceStatusReason: r.Reason, Metadata: r.Metadata,
			DriftInformation: &cloudformationapi.StackResourceDriftInformation{StackResourceDriftStatus: "NOT_CHECKED"},
		}}, nil
	}
	return nil, invalid("Resource %s does not exist for stack %s", in.LogicalResourceId, stack.Name)
}

// DescribeStackResources describes the resources of a stack, or of the stack
// that a physical id belongs to.
func (s *Service) DescribeStackResources(ctx context.Context, in *cloudformationapi.DescribeStackResourcesInput) (*cloudformationapi.DescribeStackResourcesOutput, error) {
	name := in.StackName
	if in.PhysicalResourceId != "" {
		if name != "" {
			return nil, invalid("You cannot specify both StackName and PhysicalResourceId")
		}
		id := caller.From(ctx)
		for r := range state.StackResources.By(s.db.Read(), "physical", state.Key(id.Account, id.Region, in.PhysicalResourceId)) {
			name = r.StackID
		}
		if name == "" {
			return nil, invalid("Stack for %s does not exist", in.PhysicalResourceId)
		}
	}
	stack, err := s.existing(ctx, name)
	if err != nil {
		return nil, err
	}
	out := &cloudformationapi.DescribeStackResourcesOutput{}
	for _, r := range s.resourcesOf(stack) {
		if in.LogicalResourceId != "" && in.LogicalResourceId != r.LogicalID {
			continue
		}
		out.StackResources = append(out.StackResources, cloudformationapi.StackResource{
			StackName: stack.Name, StackId: stack.ID, LogicalResourceId: r.LogicalID, PhysicalResourceId: r.Live.ID, ResourceType: r.Type, Timestamp: r.Changed,
			ResourceStatus: cloudformationapi.ResourceStatus(r.Status), ResourceStatusReason: r.Reason,
			DriftInformation: &cloudformationapi.StackResourceDriftInformation{StackResourceDriftStatus: "NOT_CHECKED"},
		})
	}
	return out, nil
}

// ListStackResources lists the resources of a stack.
func (s *Service) ListStackResources(ctx context.Context, in *cloudformationapi.ListStackResourcesInput) (*cloudformationapi.ListStackResourcesOutput, error) {
	stack, err := s.existing(ctx, in.StackName)
	if err != nil {
		return nil, err
	}
	var all []cloudformationapi.StackResourceSummary
	for _, r := range s.resourcesOf(stack) {
		all = append(all, cloudformationapi.StackResourceSummary{
			LogicalResourceId: r.LogicalID, PhysicalResourceId: r.Live.ID, ResourceType: r.Type, LastUpdatedTimestamp: r.Changed,
			ResourceStatus: cloudformationapi.ResourceStatus(r.Status), ResourceStatusReason: r.Reason,
			DriftInformation: &cloudformationapi.StackResourceDriftInformationSummary{StackResourceDriftStatus: "NOT_CHECKED"},
		})
	}
	page, next, err := paged(all, in.NextToken)
	return &cloudformationapi.ListStackResourcesOutput{StackResourceSummaries: page, NextToken: next}, err
}

// ListExports lists what the stacks of the account and region export.
func (s *Service) ListExports(ctx context.Context, in *cloudformationapi.ListExportsInput) (*cloudformationapi.ListExportsOutput, error) {
	var all []cloudformationapi.Export
	for _, stack := range s.stacks(ctx) {
		for _, o := range stack.Outputs {
			if o.ExportName != "" && stack.Status != "DELETE_COMPLETE" {
				all = append(all, cloudformationapi.Export{ExportingStackId: stack.ID, Name: o.ExportName, Value: o.Value})
			}
		}
	}
	page, next, err := paged(all, in.NextToken)
	return &cloudformationapi.ListExportsOutput{Exports: page, NextToken: next}, err
}

// ListImports lists the names of the stacks that use an export.
func (s *Service) ListImports(ctx context.Context, in *cloudformationapi.ListImportsInput) (*cloudformationapi.ListImportsOutput, error) {
	id := caller.From(ctx)
	var names []string
	for stack := range state.Stacks.By(s.db.Read(), "import", state.Key(id.Account, id.Region, in.ExportName)) {
		names = append(names, stack.Name)
	}
	if names == nil {
		return nil, invalid("Export '%s' is not imported by any stack.", in.ExportName)
	}
	page, next, err := paged(names, in.NextToken)
	return &cloudformationapi.ListImportsOutput{Imports: page, NextToken: next}, err
}
