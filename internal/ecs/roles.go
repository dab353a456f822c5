package ecs

import "context"

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
