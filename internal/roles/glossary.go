package roles

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// Kind is what a role is for.
type Kind struct {
	Name      string
	Usual     string // the name that AWS's pages give to such a role
	Principal string // the service that has to be trusted
	What      string
	When      string
	Hint      string // what people do not expect; "" for nothing

	policies []string // AWS-managed policies by which such a role is known
}

// The kinds that are referred to by name.
var (
	execution = Kind{
		Name: "task execution role", Usual: "ecsTaskExecutionRole", Principal: "ecs-tasks.amazonaws.com", policies: []string{"AmazonECSTaskExecutionRolePolicy"},
		What: "ECS acts with it for the task; the containers never see it",
		When: "as a task starts: image, login of the registry, secrets, environment files; while it runs: log lines of the awslogs driver",
	}
	task = Kind{
		Name: "task role", Usual: "ecsTaskRole", Principal: "ecs-tasks.amazonaws.com",
		What: "what the program in the containers may do",
		When: "whenever the program calls AWS, with the credentials that it gets from 169.254.170.2",
	}
	both = Kind{
		Name: "task role and execution role in one", Principal: "ecs-tasks.amazonaws.com",
		What: "ECS acts with it for the task, and the program in the containers may do the same",
		When: "as a task starts, for log lines, and whenever the program calls AWS",
		Hint: "two roles are better: the program needs no registry, and ECS needs none of the program's permissions",
	}
	linkedKind = Kind{
		Name: "service-linked role",
		What: "the service made it for itself, and only the service can use it",
		When: "whenever the service acts for the account",
	}
)

// glossary are the kinds of roles around ECS.
var glossary = []Kind{
	execution, task,
	{
		Name: "autoscaling role", Usual: "ecsAutoscaleRole", Principal: "application-autoscaling.amazonaws.com", policies: []string{"AmazonEC2ContainerServiceAutoscaleRole"},
		What: "lets Application Auto Scaling read alarms and change the desired count of services",
		When: "as an alarm makes a service larger or smaller",
		Hint: "Application Auto Scaling takes its service-linked role AWSServiceRoleForApplicationAutoScaling_ECSService for ECS, whatever role is named",
	},
	{
		Name: "events role", Usual: "ecsEventsRole", Principal: "events.amazonaws.com", policies: []string{"AmazonEC2ContainerServiceEventsRole"},
		What: "lets EventBridge run tasks, and hand the tasks' roles over",
		When: "as a schedule or an event starts a task",
	},
	{
		Name: "CodeDeploy role", Usual: "ecsCodeDeployRole", Principal: "codedeploy.amazonaws.com", policies: []string{"AWSCodeDeployRoleForECS", "AWSCodeDeployRoleForECSLimited"},
		What: "lets CodeDeploy make task sets and turn listeners of load balancers",
		When: "during a blue/green deployment by CodeDeploy",
	},
	{
		Name: "container instance role", Usual: "ecsInstanceRole", Principal: "ec2.amazonaws.com", policies: []string{"AmazonEC2ContainerServiceforEC2Role"},
		What: "lets the ECS agent of an EC2 instance register it and report its tasks",
		When: "as long as an EC2 instance belongs to a cluster",
		Hint: "Fargate has no instances that anybody sees, and needs no such role",
	},
	{
		Name: "service role", Usual: "ecsServiceRole", Principal: "ecs.amazonaws.com", policies: []string{"AmazonEC2ContainerServiceRole"},
		What: "lets the service scheduler register tasks with a load balancer",
		When: "as a task of a service starts or stops",
		Hint: "tasks with network interfaces of their own, as all on Fargate, are registered with the service-linked role AWSServiceRoleForECS instead",
	},
}

// others are kinds that are not ECS's.
var others = []Kind{
	{
		Name: "stack role", Principal: "cloudformation.amazonaws.com",
		What: "CloudFormation makes the resources of a stack with it", When: "as the stack is created, updated or deleted",
	},
	{
		Name: "flow log role", Principal: "vpc-flow-logs.amazonaws.com",
		What: "lets flow logs be written to a log group", When: "as long as the flow log exists",
	},
}

// marks reports whether a role has one of AWS's policies for the kind.
func (k Kind) marks(r *state.Role) bool {
	return slices.ContainsFunc(r.Attached, func(arn string) bool { return slices.Contains(k.policies, arn[strings.LastIndexByte(arn, '/')+1:]) })
}

// kindOf tells what a role is for: by AWS's policies that it has beside trust in
// the service that they are for, by what refers to it, or by whom it trusts.
func kindOf(r *state.Role, references []Reference, trusted []string, actions []string) Kind {
	if r.LinkedService != "" {
		return linkedKind
	}
	marked := slices.IndexFunc(glossary, func(k Kind) bool { return k.marks(r) })
	if marked >= 0 && glossary[marked].Principal != task.Principal && slices.Contains(trusted, glossary[marked].Principal) {
		return glossary[marked]
	}
	asTask := slices.ContainsFunc(references, func(ref Reference) bool { return ref.As == task.Name })
	asExecution := slices.ContainsFunc(references, func(ref Reference) bool { return ref.As == execution.Name })
	switch {
	case asTask && asExecution:
		return both
	case asTask:
		return task
	case asExecution:
		return execution
	}
	if marked >= 0 {
		return glossary[marked]
	}
	if slices.Contains(trusted, task.Principal) {
		if slices.Contains(actions, "ecr:GetAuthorizationToken") {
			return execution
		}
		return task
	}
	for _, k := range slices.Concat(glossary, others) {
		if slices.Contains(trusted, k.Principal) {
			return k
		}
	}
	if len(trusted) > 0 {
		return Kind{Name: "role of " + trusted[0], What: trusted[0] + " acts with it", When: "as that service needs it"}
	}
	return Kind{Name: "role to be assumed", What: "others take it on with sts:AssumeRole", When: "for as long as each session lasts"}
}
