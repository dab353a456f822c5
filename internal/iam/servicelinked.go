package iam

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// linked describes the service-linked role of a service.
type linked struct {
	service     string
	role        string
	policy      string // AWS-managed policy below /aws-service-role/
	description string
	suffix      bool // a custom suffix is allowed
}

// linkedRoles are the service-linked roles that we make.
var linkedRoles = []linked{
	{"ecs.amazonaws.com", "AWSServiceRoleForECS", "AmazonECSServiceRolePolicy", "Role to enable Amazon ECS to manage your cluster.", false},
	{"ecs-compute.amazonaws.com", "AWSServiceRoleForECSCompute", "AmazonECSComputeServiceRolePolicy", "Role to enable Amazon ECS Compute to manage your EC2 instances.", false},
	{"ecs.application-autoscaling.amazonaws.com", "AWSServiceRoleForApplicationAutoScaling_ECSService", "AWSApplicationAutoscalingECSServicePolicy", "", false},
	{"elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy", "Allows ELB to call AWS services on your behalf.", false},
	{"replication.ecr.amazonaws.com", "AWSServiceRoleForECRReplication", "ECRReplicationServiceRolePolicy", "", false},
	{"pullthroughcache.ecr.amazonaws.com", "AWSServiceRoleForECRPullThroughCache", "AWSECRPullThroughCache_ServiceRolePolicy", "", false},
}

func linkedRole(service string) (linked, bool) {
	for _, l := range linkedRoles {
		if strings.EqualFold(l.service, service) {
			return l, true
		}
	}
	return linked{}, false
}

// CreateServiceLinkedRole makes the role with which a service acts for the account.
func (s *Service) CreateServiceLinkedRole(ctx context.Context, in *iamapi.CreateServiceLinkedRoleRequest) (*iamapi.CreateServiceLinkedRoleResponse, error) {
	l, ok := linkedRole(in.AWSServiceName)
	switch {
	case !ok:
		return nil, invalidInput("Neargate makes no service-linked role for %s.", in.AWSServiceName)
	case in.CustomSuffix != "" && !l.suffix:
		return nil, invalidInput("Custom suffix is not allowed for %s", in.AWSServiceName)
	}
	role := &state.Role{
		Account: caller.From(ctx).Account, Name: l.role, Path: linkedPath + l.service + "/", ID: "AROA" + ids.Upper(17), CreatedAt: s.now(),
		TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["` + l.service + `"]},"Action":["sts:AssumeRole"]}]}`,
		Description: l.description, MaxSessionDuration: defaultSessionDuration, LinkedService: l.service,
	}
	if in.Description != "" {
		role.Description = in.Description
	}
	role.Attached = []string{"arn:aws:iam::aws:policy" + linkedPath + l.policy}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, taken := state.Roles.Get(tx, role.Key()); taken {
			return invalidInput("Service role name %s has been taken in this account, please try a different suffix.", role.Name)
		}
		return addRole(tx, role)
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateServiceLinkedRoleResponse{Role: roleOut(role)}, nil
}

// DeleteServiceLinkedRole deletes a service-linked role, unless its service
// still has resources that need it; the deletion's status says so.
func (s *Service) DeleteServiceLinkedRole(ctx context.Context, in *iamapi.DeleteServiceLinkedRoleRequest) (*iamapi.DeleteServiceLinkedRoleResponse, error) {
	var task string
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		role, err := roleNamed(tx, caller.From(ctx).Account, in.RoleName)
		if err != nil {
			return err
		}
		if role.LinkedService == "" {
			return noSuchEntity("The role with name %s cannot be found.", in.RoleName)
		}
		task = "task" + linkedPath + role.LinkedService + "/" + role.Name + "/" + ids.UUID()
		if len(usedBy(tx, role)) == 0 {
			removeRole(tx, role)
		}
		return nil
	})
	return &iamapi.DeleteServiceLinkedRoleResponse{DeletionTaskId: task}, err
}

// GetServiceLinkedRoleDeletionStatus tells how a deletion ended. Deletions are
// done at once, so it follows from whether the role is still there.
func (s *Service) GetServiceLinkedRoleDeletionStatus(ctx context.Context, in *iamapi.GetServiceLinkedRoleDeletionStatusRequest) (*iamapi.GetServiceLinkedRoleDeletionStatusResponse, error) {
	parts := strings.Split(in.DeletionTaskId, "/")
	if len(parts) != 5 || parts[0] != "task" || "/"+parts[1]+"/" != linkedPath {
		return nil, noSuchEntity("The deletion task with id %s cannot be found.", in.DeletionTaskId)
	}
	tx := s.db.Read()
	role, err := roleNamed(tx, caller.From(ctx).Account, parts[3])
	if err != nil {
		return &iamapi.GetServiceLinkedRoleDeletionStatusResponse{Status: iamapi.DeletionTaskStatusTypeSucceeded}, nil
	}
	return &iamapi.GetServiceLinkedRoleDeletionStatusResponse{Status: iamapi.DeletionTaskStatusTypeFailed, Reason: &iamapi.DeletionTaskFailureReasonType{
		Reason: "A service-linked role cannot be deleted while its service still uses it.", RoleUsageList: usedBy(tx, role),
	}}, nil
}

// usedBy lists, per region, what needs a service-linked role.
func usedBy(tx *store.Tx, role *state.Role) []iamapi.RoleUsageType {
	if role.LinkedService != "ecs.amazonaws.com" {
		return nil
	}
	var out []iamapi.RoleUsageType
	for c := range state.Clusters.All(tx, role.Account+"/") {
		if c.Status != "ACTIVE" {
			continue
		}
		if len(out) == 0 || out[len(out)-1].Region != c.Region {
			out = append(out, iamapi.RoleUsageType{Region: c.Region})
		}
		last := &out[len(out)-1]
		last.Resources = append(last.Resources, "arn:aws:ecs:"+c.Region+":"+c.Account+":cluster/"+c.Name)
	}
	return out
}
