package agent

import (
	"context"
	"errors"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// stream is the log stream of a container.
func stream(t *state.Task, c state.ContainerDefinition) string {
	return c.Log.Options["awslogs-stream-prefix"] + "/" + c.Name + "/" + t.ID
}

// checkLogs makes the log stream of each container, and its group when the
// options ask for it: what the task cannot reach now it could not reach later.
func (a *Agent) checkLogs(ctx context.Context, t *state.Task, d *state.TaskDefinition, c *client, creds Credentials) error {
	for _, con := range d.Containers {
		if con.Log == nil {
			continue
		}
		o := con.Log.Options
		for _, name := range []string{"awslogs-region", "awslogs-group", "awslogs-stream-prefix"} {
			if o[name] == "" {
				reason := textLogOption(name)
				return &failure{reason: reason, container: con.Name, decision: decision.Decision{Phase: decision.Logs, Verdict: decision.Deny, Code: "logs.option", Where: con.Name,
					Cause: "the log configuration of container " + con.Name + " lacks the option " + name, AWSMessage: reason, Confidence: decision.Observed}}
			}
		}
		in := map[string]string{"logGroupName": o["awslogs-group"]}
		if strings.EqualFold(o["awslogs-create-group"], "true") {
			if err := a.logCall(ctx, t, c, creds, o, "CreateLogGroup", in); err != nil {
				return err
			}
		}
		in["logStreamName"] = stream(t, con)
		if err := a.logCall(ctx, t, c, creds, o, "CreateLogStream", in); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) logCall(ctx context.Context, t *state.Task, c *client, creds Credentials, options map[string]string, operation string, in map[string]string) error {
	region := options["awslogs-region"]
	err := c.call(ctx, logsAPI(options), region, operation, creds, in, nil)
	e := refused(err)
	switch {
	case err == nil, e != nil && e.Code == "ResourceAlreadyExistsException":
		return nil
	case e != nil:
		f := denied(decision.Logs, slug(e, "iam.exec-logs", "logs.no-group"), in["logGroupName"], textLogRefused(e), e)
		f.decision.Fix = attachManaged(f.decision.Code, e.Operation, t.ExecutionRoleARN)
		if e.Code == "ResourceNotFoundException" {
			f.decision.Cause = "the log group " + in["logGroupName"] + " does not exist in " + region
			f.decision.Fix = []decision.Fix{{Lang: "cli", Text: "aws logs create-log-group --region " + region + " --log-group-name " + in["logGroupName"]},
				{Lang: "cloudformation", Text: "LogGroup:\n  Type: AWS::Logs::LogGroup\n  Properties: { LogGroupName: " + in["logGroupName"] + " }"}}
		}
		return f
	case ctx.Err() != nil:
		return ctx.Err()
	case unreachable(err), errors.Is(err, context.DeadlineExceeded):
		return a.unreached(ctx, t, decision.Logs, textLogUnreachable(), err)
	}
	return err
}
