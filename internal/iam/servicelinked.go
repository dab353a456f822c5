package iam

import (
	"context"
	"errors"
	"slices"
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
	{"ecr.amazonaws.com", "AWSServiceRoleForECRTemplate", "ECRTemplateServiceRolePolicy", "", false},
	{"batch.amazonaws.com", "AWSServiceRoleForBatch", "BatchServiceRolePolicy", "", false},
	{"autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy", "Default Service-Linked Role enables access to AWS Services and Resources used or managed by Auto Scaling", true},
	{"elasticfilesystem.amazonaws.com", "AWSServiceRoleForAmazonElasticFileSystem", "AmazonElasticFileSystemServiceRolePolicy", "", false},
	{"rds.amazonaws.com", "AWSServiceRoleForRDS", "AmazonRDSServiceRolePolicy", "", false},
	{"elasticache.amazonaws.com", "AWSServiceRoleForElastiCache", "ElastiCacheServiceRolePolicy", "", false},
	{"cloudtrail.amazonaws.com", "AWSServiceRoleForCloudTrail", "CloudTrailServiceRolePolicy", "", false},
	{"spot.amazonaws.com", "AWSServiceRoleForEC2Spot", "AWSEC2SpotServiceRolePolicy", "", false},
	{"ssm.amazonaws.com", "AWSServiceRoleForAmazonSSM", "AmazonSSMServiceRolePolicy", "", false},
	{"acm.amazonaws.com", "AWSServiceRoleForCertificateManager", "CertificateManagerServiceRolePolicy", "", false},
}

// withoutSuffix are further services of which it is known that their roles take
// no suffix. We make no roles for them.
var withoutSuffix = strings.Fields(`
	accountdiscovery.ssm appmesh autoscaling-plans backup cassandra.application-autoscaling cks.kms codestar-notifications config dms dms-fleet-advisor
	docdb-elastic ec2-instance-connect ec2.application-autoscaling eks eks-connector eks-fargate eks-nodegroup elasticbeanstalk email.cognito-idp emr-containers
	emrwal fis grafana imagebuilder iotmanagedintegrations kafka kafkaconnect lakeformation lex lightsail m2 memorydb mq mrk.kms notifications
	observability.aoss opensearchservice ops.apigateway ops.emr-serverless opsdatasync.ssm opsinsights.ssm ram redshift replication.cassandra
	repository.sync.codeconnections resource-explorer-2 rolesanywhere s3-outposts ses shield ssm-incidents ssm-quicksetup sso vpcorigin.cloudfront waf wafv2
`)

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
	suffixless := ok && !l.suffix || slices.Contains(withoutSuffix, strings.TrimSuffix(in.AWSServiceName, ".amazonaws.com"))
	switch {
	case in.CustomSuffix != "" && suffixless:
		return nil, invalidInput("Custom suffix is not allowed for %s", in.AWSServiceName)
	case !ok:
		return nil, invalidInput("Neargate makes no service-linked role for %s.", in.AWSServiceName)
	}
	role := s.newLinkedRole(caller.From(ctx).Account, l, in.CustomSuffix)
	role.Description = in.Description // roles that services make for themselves have one of their own
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

func (s *Service) newLinkedRole(account string, l linked, suffix string) *state.Role {
	if suffix != "" {
		suffix = "_" + suffix
	}
	role := &state.Role{
		Account: account, Name: l.role + suffix, Path: linkedPath + l.service + "/", ID: "AROA" + ids.Upper(17), CreatedAt: s.now(),
		TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["` + l.service + `"]},"Action":["sts:AssumeRole"]}]}`,
		Description: l.description, MaxSessionDuration: defaultSessionDuration, LinkedService: l.service,
	}
	role.Attached = []string{"arn:aws:iam::aws:policy" + linkedPath + l.policy}
	return role
}

// EnsureLinkedRole makes the service-linked role of a service in an account,
// unless it is there: services do so when they first need it.
func (s *Service) EnsureLinkedRole(ctx context.Context, account, service string) error {
	l, ok := linkedRole(service)
	if !ok {
		return errors.New("iam: no service-linked role is known for " + service)
	}
	role := s.newLinkedRole(account, l, "")
	if _, there := state.Roles.Get(s.db.Read(), role.Key()); there {
		return nil
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if _, there := state.Roles.Get(tx, role.Key()); there {
			return nil
		}
		return addRole(tx, role)
	})
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
	var out []iamapi.RoleUsageType
	add := func(region, arn string) {
		if len(out) == 0 || out[len(out)-1].Region != region {
			out = append(out, iamapi.RoleUsageType{Region: region})
		}
		last := &out[len(out)-1]
		last.Resources = append(last.Resources, arn)
	}
	switch role.LinkedService {
	case "ecs.amazonaws.com":
		for c := range state.Clusters.All(tx, role.Account+"/") {
			if c.Status == "ACTIVE" {
				add(c.Region, "arn:aws:ecs:"+c.Region+":"+c.Account+":cluster/"+c.Name)
			}
		}
	case "elasticloadbalancing.amazonaws.com":
		for l := range state.LoadBalancers.All(tx, role.Account+"/") {
			add(l.Region, l.ARN())
		}
	}
	return out
}
