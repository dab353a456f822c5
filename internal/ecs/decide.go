package ecs

import (
	"context"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ecs/deployment"
	"github.com/neargate/neargate/internal/state"
)

// trustPolicy is what the roles of tasks need.
const trustPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + tasksPrincipal + `"},"Action":"sts:AssumeRole"}]}`

// executionPolicy is what execution roles usually have.
const executionPolicy = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"

// recordTrust records that a role does not let ECS assume it.
func (s *Service) recordTrust(ctx context.Context, c scope, role string, subjects []string) {
	name := role[strings.LastIndex(role, "/")+1:]
	cause, command := "the trust policy of the role "+name+" does not let "+tasksPrincipal+" assume it", "update-assume-role-policy --role-name "+name+" --policy-document '"+trustPolicy+"'"
	if have, ok := state.Roles.Get(s.DB.Read(), state.IAMKey(c.Account, name)); !ok || have.ARN() != role {
		cause, command = "there is no role "+role, "create-role --role-name "+name+" --assume-role-policy-document '"+trustPolicy+"'"+
			"\naws iam attach-role-policy --role-name "+name+" --policy-arn "+executionPolicy+" # if it is an execution role"
	}
	s.Decisions.Record(ctx, decision.Decision{
		Account: c.Account, Region: c.Region, Phase: decision.IAM, Subjects: append(subjects, role), Verdict: decision.Deny, Code: "iam.trust",
		Facts:      []decision.Fact{{Name: "role", Value: role}, {Name: "principal", Value: tasksPrincipal}},
		Cause:      cause,
		Where:      role,
		Resource:   role,
		AWSMessage: roleProblem(role), Confidence: decision.Observed,
		Fix: []decision.Fix{
			{Lang: "cloudformation", Target: "the role " + name, Text: "AssumeRolePolicyDocument:\n  Statement:\n    - Effect: Allow\n      Principal: { Service: [" + tasksPrincipal + "] }\n      Action: ['sts:AssumeRole']"},
			{Lang: "terraform", Target: "the aws_iam_role " + name, Text: "assume_role_policy = jsonencode({\n  Version   = \"2012-10-17\"\n  Statement = [{ Effect = \"Allow\", Principal = { Service = \"" + tasksPrincipal + "\" }, Action = \"sts:AssumeRole\" }]\n})"},
			{Lang: "cli", Text: "aws iam " + command},
		},
	})
}

// recordStep records what a step of the scheduler found out.
func (s *Service) recordStep(ctx context.Context, st *step) {
	c := scope{st.svc.Account, st.svc.Region}
	if st.refused != "" {
		s.recordTrust(ctx, c, st.refused, []string{st.svc.ARN()})
	}
	for _, t := range st.unfit {
		failed := st.verdicts[t.ID].Failed
		s.Decisions.Record(ctx, decision.Decision{
			Account: c.Account, Region: c.Region, Phase: decision.Health, Subjects: []string{t.ARN(), t.ID, st.svc.ARN()}, Verdict: decision.Error, Code: "lb.unhealthy",
			Facts:    []decision.Fact{{Name: "port", Value: strconv.Itoa(failed.Port)}, {Name: "reason", Value: failed.Reason}},
			Cause:    "the target group " + failed.Group + " finds port " + strconv.Itoa(failed.Port) + " of the task unhealthy: " + failed.Reason,
			Where:    failed.Group,
			Resource: failed.Group, AWSMessage: deployment.ReasonTarget(failed.Group), Confidence: decision.Observed,
		})
	}
	for i, d := range st.svc.Deployments {
		if d.RolloutState != "FAILED" || i < len(st.before.Deployments) && wasFailed(st.before, d.ID) {
			continue
		}
		code, cause := "dep.circuit", "tasks of the deployment failed to start until the circuit breaker tripped"
		if d.RolloutReason == deployment.ReasonAlarm {
			code, cause = "dep.alarm", "an alarm went off during the deployment: "+strings.Join(triggered(s.DB.Read(), &st.svc, d), ", ")
		}
		s.Decisions.Record(ctx, decision.Decision{
			Account: c.Account, Region: c.Region, Phase: decision.Deployment, Subjects: []string{st.svc.ARN(), d.ID}, Verdict: decision.Deny, Code: code,
			Cause: cause, Where: d.ID, AWSMessage: d.RolloutReason, Confidence: decision.Observed,
		})
	}
}

func wasFailed(svc *state.Service, id string) bool {
	for _, d := range svc.Deployments {
		if d.ID == id {
			return d.RolloutState == "FAILED"
		}
	}
	return false
}
