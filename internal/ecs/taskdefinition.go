package ecs

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ecs/taskdef"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// RegisterTaskDefinition makes a new revision of a family.
func (s *Service) RegisterTaskDefinition(ctx context.Context, in *ecsapi.RegisterTaskDefinitionRequest) (*ecsapi.RegisterTaskDefinitionResponse, error) {
	id, c := caller.From(ctx), scopeOf(ctx)
	if err := checkTags(ctx, in.Tags); err != nil {
		return nil, err
	}
	d, err := taskdef.Build(c.Account, in)
	if err != nil {
		return nil, err
	}
	if err := s.mayPass(ctx, d.TaskRoleARN, d.ExecutionRoleARN); err != nil {
		return nil, err
	}
	d.Region, d.RegisteredAt, d.RegisteredBy, d.Tool = c.Region, s.Now(), id.ARN, id.Tool()
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		family := state.TaskDefinitionFamily{Account: c.Account, Region: c.Region, Name: d.Family}
		if have, ok := state.TaskDefinitionFamilies.Get(tx, c.key(d.Family)); ok {
			family = *have
		}
		family.LastRevision++
		d.Revision = family.LastRevision
		state.TaskDefinitionFamilies.Put(tx, &family)
		state.TaskDefinitions.Put(tx, d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &ecsapi.RegisterTaskDefinitionResponse{TaskDefinition: taskdef.Describe(d)}
	if len(in.Tags) > 0 {
		out.Tags = fromTags(d.Tags)
	}
	return out, nil
}

// DescribeTaskDefinition describes a revision, or the newest ACTIVE one of a family.
func (s *Service) DescribeTaskDefinition(ctx context.Context, in *ecsapi.DescribeTaskDefinitionRequest) (*ecsapi.DescribeTaskDefinitionResponse, error) {
	d := scopeOf(ctx).taskDefinition(s.DB.Read(), in.TaskDefinition)
	if d == nil {
		return nil, clientError("Unable to describe task definition.")
	}
	out := &ecsapi.DescribeTaskDefinitionResponse{TaskDefinition: taskdef.Describe(d)}
	if slices.Contains(in.Include, "TAGS") {
		out.Tags = fromTags(d.Tags)
	}
	return out, nil
}

// exactRevision finds the revision that ref names with its number.
func (c scope) exactRevision(tx *store.Tx, ref string) (*state.TaskDefinition, error) {
	name := ref[strings.LastIndexByte(ref, '/')+1:]
	_, digits, found := strings.Cut(name, ":")
	if !found {
		return nil, clientError("Revision is missing.")
	}
	family, revision := c.familyAndRevision(ref)
	if family == "" {
		return nil, invalid("Invalid revision number. Number: %s", digits)
	}
	d, ok := state.TaskDefinitions.Get(tx, state.TaskDefinitionKey(c.Account, c.Region, family, revision))
	if !ok {
		return nil, clientError("Unable to describe task definition.")
	}
	return d, nil
}

// DeregisterTaskDefinition makes a revision INACTIVE: what runs with it goes on.
func (s *Service) DeregisterTaskDefinition(ctx context.Context, in *ecsapi.DeregisterTaskDefinitionRequest) (*ecsapi.DeregisterTaskDefinitionResponse, error) {
	var out *ecsapi.TaskDefinition
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		have, err := scopeOf(ctx).exactRevision(tx, in.TaskDefinition)
		if err != nil {
			return err
		}
		d := *have
		if d.Status == "ACTIVE" {
			d.Status, d.DeregisteredAt = "INACTIVE", s.Now()
			state.TaskDefinitions.Put(tx, &d)
		}
		out = taskdef.Describe(&d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecsapi.DeregisterTaskDefinitionResponse{TaskDefinition: out}, nil
}

// DeleteTaskDefinitions deletes INACTIVE revisions. They stay visible as
// DELETE_IN_PROGRESS while a task or service uses them.
func (s *Service) DeleteTaskDefinitions(ctx context.Context, in *ecsapi.DeleteTaskDefinitionsRequest) (*ecsapi.DeleteTaskDefinitionsResponse, error) {
	if n := len(in.TaskDefinitions); n == 0 || n > 10 {
		return nil, invalid("taskDefinitions must have 1 to 10 items.")
	}
	out := &ecsapi.DeleteTaskDefinitionsResponse{TaskDefinitions: []ecsapi.TaskDefinition{}, Failures: []ecsapi.Failure{}}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		for _, ref := range in.TaskDefinitions {
			have, err := scopeOf(ctx).exactRevision(tx, ref)
			switch {
			case err != nil:
				out.Failures = append(out.Failures, ecsapi.Failure{Arn: ref, Reason: "MISSING", Detail: "The specified task definition does not exist."})
				continue
			case have.Status == "ACTIVE":
				out.Failures = append(out.Failures, ecsapi.Failure{Arn: have.ARN(), Reason: "ACTIVE", Detail: "The specified task definition is still in ACTIVE status. Please deregister the target and try again."})
				continue
			}
			d := *have
			d.Status, d.DeleteRequestedAt = "DELETE_IN_PROGRESS", s.Now()
			state.TaskDefinitions.Put(tx, &d)
			out.TaskDefinitions = append(out.TaskDefinitions, *taskdef.Describe(&d))
		}
		return nil
	})
	return out, err
}

// ListTaskDefinitions lists ARNs of revisions of a status, ACTIVE unless asked otherwise.
func (s *Service) ListTaskDefinitions(ctx context.Context, in *ecsapi.ListTaskDefinitionsRequest) (*ecsapi.ListTaskDefinitionsResponse, error) {
	c, status := scopeOf(ctx), string(in.Status)
	if status == "" {
		status = "ACTIVE"
	}
	prefix := c.prefix()
	if in.FamilyPrefix != "" {
		prefix = c.key(in.FamilyPrefix + ":") // in spite of its name, AWS takes the whole family's name
	}
	// Padded ids page in the order of revisions; they are no prefix of each other.
	var keys []string
	arns := map[string]string{}
	for d := range state.TaskDefinitions.All(s.DB.Read(), prefix) {
		if d.Status == status {
			key := state.TaskDefinitionKey(d.Account, d.Region, d.Family, d.Revision)
			keys, arns[key] = append(keys, key), d.ARN()
		}
	}
	if in.Sort == ecsapi.SortOrderDesc {
		slices.Reverse(keys)
	}
	keys, next, err := page(keys, in.NextToken, in.MaxResults, 100, 100, in.Sort == ecsapi.SortOrderDesc)
	if err != nil {
		return nil, err
	}
	out := &ecsapi.ListTaskDefinitionsResponse{TaskDefinitionArns: []string{}, NextToken: next}
	for _, key := range keys {
		out.TaskDefinitionArns = append(out.TaskDefinitionArns, arns[key])
	}
	return out, nil
}

// ListTaskDefinitionFamilies lists families that have, or have no, ACTIVE revision.
func (s *Service) ListTaskDefinitionFamilies(ctx context.Context, in *ecsapi.ListTaskDefinitionFamiliesRequest) (*ecsapi.ListTaskDefinitionFamiliesResponse, error) {
	active := map[string]bool{}
	for d := range state.TaskDefinitions.All(s.DB.Read(), scopeOf(ctx).key(in.FamilyPrefix)) {
		active[d.Family] = active[d.Family] || d.Status == "ACTIVE"
	}
	var families []string
	for family, is := range active {
		if in.Status == "ALL" || is == (in.Status != "INACTIVE") {
			families = append(families, family)
		}
	}
	slices.Sort(families)
	families, next, err := page(families, in.NextToken, in.MaxResults, 100, 100, false)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListTaskDefinitionFamiliesResponse{Families: families, NextToken: next}, nil
}
