package ecs

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ecsapi"
)

// tasksPrincipal is the service principal that the roles of tasks must trust.
const tasksPrincipal = "ecs-tasks.amazonaws.com"

// mayPass checks that the caller may hand the roles over to tasks.
func (s *Service) mayPass(ctx context.Context, roles ...string) error {
	checked := map[string]bool{"": true}
	for _, role := range roles {
		if checked[role] {
			continue
		}
		checked[role] = true
		if err := s.Checker.Check(ctx, "iam:PassRole", role, map[string][]string{"iam:PassedToService": {tasksPrincipal}}); err != nil {
			return err
		}
	}
	return nil
}

// mayPassDefinition checks that the caller may hand over the roles of a task
// definition, and those that replace them. AWS asks before it looks at anything
// else; a definition that does not exist has no roles.
func (s *Service) mayPassDefinition(ctx context.Context, ref string, overrides *ecsapi.TaskOverride) error {
	var roles []string
	if d := scopeOf(ctx).taskDefinition(s.DB.Read(), ref); d != nil {
		roles = append(roles, d.TaskRoleARN, d.ExecutionRoleARN)
	}
	if overrides != nil {
		for i, role := range []string{overrides.TaskRoleArn, overrides.ExecutionRoleArn} {
			switch {
			case role == "":
			case i < len(roles):
				roles[i] = role
			default:
				roles = append(roles, role)
			}
		}
	}
	return s.mayPass(ctx, roles...)
}

// assumable checks that ECS can assume the roles for a task. It returns the
// first role that it cannot, "" when all is well.
func (s *Service) assumable(ctx context.Context, c scope, taskARN string, roles ...string) string {
	for _, role := range roles {
		if role == "" {
			continue
		}
		if err := s.Roles.CanAssume(ctx, c.Account, c.Region, role, tasksPrincipal, taskARN); err != nil {
			return role
		}
	}
	return ""
}
