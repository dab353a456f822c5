package managed

import (
	"testing"

	"github.com/neargate/neargate/internal/iam/policy"
)

func TestDocuments(t *testing.T) {
	if len(All()) < 80 {
		t.Errorf("%d policies", len(All()))
	}
	for _, p := range All() {
		if _, err := policy.Parse(p.Document, policy.Managed); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if p.Created.IsZero() || p.Updated.IsZero() || p.Version == "" || len(p.ID()) != 21 {
			t.Errorf("%s: %+v", p.Name, p)
		}
	}
}

// TestRolesOfECS holds the documents against what ECS's documentation says of
// the roles' permissions.
func TestRolesOfECS(t *testing.T) {
	const prefix = "arn:aws:iam::aws:policy/service-role/"
	for _, c := range []struct {
		arn, action string
		keys        policy.Keys
		want        bool
	}{
		{prefix + "AmazonECSTaskExecutionRolePolicy", "ecr:GetAuthorizationToken", nil, true},
		{prefix + "AmazonECSTaskExecutionRolePolicy", "logs:PutLogEvents", nil, true},
		{prefix + "AmazonECSTaskExecutionRolePolicy", "logs:CreateLogGroup", nil, false},
		{prefix + "AmazonECSTaskExecutionRolePolicy", "secretsmanager:GetSecretValue", nil, false},
		{prefix + "AmazonEC2ContainerServiceforEC2Role", "ecs:SubmitTaskStateChange", nil, true},
		{prefix + "AmazonEC2ContainerServiceforEC2Role", "ecs:TagResource", nil, false},
		{prefix + "AmazonEC2ContainerServiceforEC2Role", "ecs:TagResource", policy.Keys{"ecs:createaction": {"CreateCluster"}}, true},
		{prefix + "AmazonEC2ContainerServiceRole", "elasticloadbalancing:RegisterTargets", nil, true},
		{prefix + "AmazonEC2ContainerServiceAutoscaleRole", "ecs:UpdateService", nil, true},
		{prefix + "AmazonEC2ContainerServiceEventsRole", "iam:PassRole", nil, false},
		{prefix + "AmazonEC2ContainerServiceEventsRole", "iam:PassRole", policy.Keys{"iam:passedtoservice": {"ecs-tasks.amazonaws.com"}}, true},
		{"arn:aws:iam::aws:policy/AWSCodeDeployRoleForECS", "ecs:CreateTaskSet", nil, true},
		{"arn:aws:iam::aws:policy/AmazonS3FullAccess", "s3:PutObject", nil, true},
		{"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "s3:PutObject", nil, false},
		{"arn:aws:iam::aws:policy/PowerUserAccess", "iam:CreateRole", nil, false},
		{"arn:aws:iam::aws:policy/PowerUserAccess", "ecs:RunTask", nil, true},
		{"arn:aws:iam::aws:policy/ReadOnlyAccess", "ecs:DescribeTasks", nil, true},
		{"arn:aws:iam::aws:policy/AdministratorAccess", "iam:CreateRole", nil, true},
	} {
		p, ok := Get(c.arn)
		if !ok {
			t.Errorf("%s is missing", c.arn)
			continue
		}
		d, err := policy.Parse(p.Document, policy.Managed)
		if err != nil {
			t.Fatal(err)
		}
		req := &policy.Request{Principal: policy.Principal{Account: "1", ARN: "a"}, Action: c.action, Resource: "arn:aws:s3:::x/y", Context: c.keys}
		if got := policy.Evaluate(req, &policy.Set{Identity: []policy.Source{{Name: p.Name, Document: d}}}).Allowed; got != c.want {
			t.Errorf("%s %s: %v", p.Name, c.action, got)
		}
	}
}
