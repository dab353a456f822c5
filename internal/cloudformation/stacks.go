package cloudformation

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// newStack is the record of a stack that is about to be made.
func newStack(account, region, name string) *state.Stack {
	return &state.Stack{Account: account, Region: region, Name: name, Created: now(),
		ID: "arn:aws:cloudformation:" + region + ":" + account + ":stack/" + name + "/" + ids.UUID()}
}

// newOperation is the record of an operation that begins now.
func newOperation(kind string, as caller.Identity, token string) *state.StackOperation {
	phase := "apply"
	if kind == "DELETE" {
		phase = "delete"
	}
	return &state.StackOperation{ID: ids.UUID(), Kind: kind, Phase: phase, Caller: as, Token: token, Started: now()}
}

func number(v *template.Value) int {
	n, _ := strconv.Atoi(v.Str())
	return n
}

// byName finds a stack that is not deleted.
func (s *Service) byName(tx *store.Tx, account, region, name string) (*state.Stack, bool) {
	for stack := range state.Stacks.By(tx, "name", state.Key(account, region, name)) {
		return stack, true
	}
	return nil, false
}

// find finds a stack by name or ARN; by ARN also one that is deleted.
func (s *Service) find(ctx context.Context, tx *store.Tx, name string) (*state.Stack, bool) {
	id := caller.From(ctx)
	if strings.HasPrefix(name, "arn:") {
		return state.Stacks.Get(tx, state.Key(id.Account, id.Region, name))
	}
	return s.byName(tx, id.Account, id.Region, name)
}

// existing finds a stack, or fails in the words of most operations.
func (s *Service) existing(ctx context.Context, name string) (*state.Stack, error) {
	if name == "" {
		return nil, invalid("StackName is a required parameter.")
	}
	if stack, ok := s.find(ctx, s.db.Read(), name); ok {
		return stack, nil
	}
	return nil, invalid("Stack with id %s does not exist", name)
}

var stackName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]*$`)

func checkName(name string) error {
	switch {
	case name == "":
		return invalid("StackName is a required parameter.")
	case !stackName.MatchString(name):
		return invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*", name)
	case len(name) > 128:
		return invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must have length less than or equal to 128", name)
	}
	return nil
}

func tagsOf(in []cloudformationapi.Tag) ([]state.Tag, error) {
	var out []state.Tag
	for _, t := range in {
		if strings.HasPrefix(t.Key, "aws:") {
			return nil, invalid("aws: prefixed tag key names are not allowed for external use.")
		}
		if slices.ContainsFunc(out, func(o state.Tag) bool { return o.Key == t.Key }) {
			return nil, invalid("Duplicate tag keys found: %s", t.Key)
		}
		out = append(out, state.Tag{Key: t.Key, Value: t.Value})
	}
	return out, nil
}

func texts[T ~string](in []T) []string {
	var out []string
	for _, v := range in {
		out = append(out, string(v))
	}
	return out
}

// given returns the parameter values of a request. Those with UsePreviousValue
// come from the stack, which is nil on creation.
func given(in []cloudformationapi.Parameter, stack *state.Stack) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range in {
		if !p.UsePreviousValue {
			out[p.ParameterKey] = p.ParameterValue
			continue
		}
		if stack == nil {
			return nil, invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", p.ParameterKey)
		}
		at := slices.IndexFunc(stack.Config.Parameters, func(o state.StackParameter) bool { return o.Key == p.ParameterKey })
		if at < 0 {
			return nil, invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", p.ParameterKey)
		}
		out[p.ParameterKey] = stack.Config.Parameters[at].Value
	}
	return out, nil
}

// refused names the parts of a request that are not carried out.
type refused struct {
	notifications []string
	rollback      *cloudformationapi.RollbackConfiguration
	deployment    *cloudformationapi.DeploymentConfig
}

func (r refused) check() error {
	switch {
	case len(r.notifications) > 0:
		return notCarriedOut("NotificationARNs")
	case r.rollback != nil && len(r.rollback.RollbackTriggers) > 0:
		return notCarriedOut("RollbackConfiguration.RollbackTriggers")
	case r.rollback != nil && r.rollback.MonitoringTimeInMinutes != nil && *r.rollback.MonitoringTimeInMinutes > 0:
		return notCarriedOut("RollbackConfiguration.MonitoringTimeInMinutes")
	case r.deployment != nil && r.deployment.Mode != "" && r.deployment.Mode != "STANDARD":
		return notCarriedOut("DeploymentConfig.Mode " + string(r.deployment.Mode))
	}
	return nil
}

// role checks that the caller may hand a service role over to a stack, and that
// the role trusts CloudFormation.
func (s *Service) role(ctx context.Context, arn, stackName string) error {
	if arn == "" {
		return nil
	}
	if err := s.checker.Check(ctx, "iam:PassRole", arn, map[string][]string{"iam:PassedToService": {servicePrincipal}}); err != nil {
		return err
	}
	id := caller.From(ctx)
	if !strings.HasPrefix(stackName, "arn:") {
		stackName = "arn:aws:cloudformation:" + id.Region + ":" + id.Account + ":stack/" + stackName + "/" + ids.UUID()
	}
	if _, err := s.sessions.AssumeForService(ctx, arn, servicePrincipal, stackName, id.Account, "AWSCloudFormation", sessionLength); err != nil {
		return invalid("Role %s is invalid or cannot be assumed", arn)
	}
	return nil
}

// updatable are the statuses from which a stack may be updated.
var updatable = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED", "CREATE_FAILED", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}

func checkUpdatable(stack *state.Stack) error {
	if stack.Operation != nil || !slices.Contains(updatable, stack.Status) || stack.Status == "CREATE_FAILED" && stack.Stuck == nil {
		return invalid("Stack:%s is in %s state and can not be updated.", stack.ID, stack.Status)
	}
	return nil
}
