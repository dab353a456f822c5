package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// factKey names a JSON key that a secret has; its value is nowhere.
const factKey = "key"

// secretKey completes the finding about a JSON key that a secret does not have.
func (n names) secretKey(t *state.Task, d decision.Decision, f *Finding) {
	def := taskDefinition(n.tx, t.TaskDefinition)
	var keys []string
	for _, fact := range d.Facts {
		if fact.Name == factKey {
			keys = append(keys, fact.Value)
		}
	}
	if def == nil || len(keys) == 0 {
		return
	}
	f.Resource = t.TaskDefinition
	for _, c := range def.Containers {
		for _, s := range c.Secrets {
			wanted, key, ok := jsonKey(s.Value)
			if !ok || wanted != d.Where || slices.Contains(keys, key) {
				continue
			}
			f.Where = s.Name + " of container " + c.Name + " in " + n.where(t.TaskDefinition)
			f.Fixes = n.useSecret(t, c, s.Value, strings.Replace(s.Value, ":"+key+":", ":"+nearest(key, keys)[0]+":", 1))
			return
		}
	}
}

// jsonKey takes the ARN and the key out of a valueFrom.
func jsonKey(from string) (arn, key string, ok bool) {
	parts := strings.Split(from, ":")
	if len(parts) != 10 || parts[7] == "" {
		return "", "", false
	}
	return strings.Join(parts[:7], ":"), parts[7], true
}

// useSecret changes one valueFrom of a container.
func (n names) useSecret(t *state.Task, c state.ContainerDefinition, from, to string) []decision.Fix {
	var secrets []map[string]string
	name := ""
	for _, s := range c.Secrets {
		if s.Value == from {
			name, s.Value = s.Name, to
		}
		secrets = append(secrets, map[string]string{"name": s.Name, "valueFrom": s.Value})
	}
	where := "# in the secret " + name + " of container " + c.Name + "\n"
	return n.revise(t, edit{container: c.Name, set: map[string]any{"secrets": secrets}, cfn: where + "ValueFrom: " + to, hcl: where + "valueFrom = \"" + to + "\""})
}

// missingSecret completes the finding about a secret that is not there: it may be
// waiting for its deletion, or have been made again with another ARN.
func (n names) missingSecret(t *state.Task, f *Finding) {
	def := taskDefinition(n.tx, t.TaskDefinition)
	if def == nil {
		return
	}
	c, at, ok := containerOf(def, f.Where)
	if !ok {
		return
	}
	from := c.Secrets[at].Value
	f.Resource = t.TaskDefinition
	if !strings.HasPrefix(from, "arn:aws:secretsmanager:") {
		name := from[strings.LastIndex(from, ":")+1:]
		f.Fixes = []decision.Fix{{Lang: LangCLI, Text: lines("aws ssm put-parameter --type SecureString --name "+strings.TrimPrefix(name, "parameter")+" --value VALUE --query Version", n.retry(t))}}
		return
	}
	name := strings.Split(from, ":")[6]
	plain := name
	if i := strings.LastIndex(name, "-"); i > 0 && len(name)-i == 7 {
		plain = name[:i] // what Secrets Manager put behind the name
	}
	var all []string
	for s := range state.Secrets.All(n.tx, state.Prefix(n.account, n.region)) {
		all = append(all, s.Name)
		if s.Name != plain {
			continue
		}
		if !s.DeletedAt.IsZero() {
			f.Cause = fmt.Sprintf("the secret %s waits for its deletion", plain)
			f.Fixes = []decision.Fix{{Lang: LangCLI, Text: lines("aws secretsmanager restore-secret --secret-id "+plain+" --query Name", n.retry(t))}}
			return
		}
		if s.ARN() != f.Where {
			f.Cause = fmt.Sprintf("there is no secret %s; the secret %s has the ARN %s", f.Where, plain, s.ARN())
			f.Fixes = n.useSecret(t, c, from, strings.Replace(from, f.Where, s.ARN(), 1))
			return
		}
	}
	f.Cause = fmt.Sprintf("there is no secret %s; there is %s", f.Where, listed("secret", nearest(plain, all)))
	arn := strings.Replace(from, f.Where, "'$arn'", 1)
	var secrets []map[string]string
	for i, s := range c.Secrets {
		if i == at {
			s.Value = "@ARN@" + strings.TrimPrefix(arn, "'$arn'")
		}
		secrets = append(secrets, map[string]string{"name": s.Name, "valueFrom": s.Value})
	}
	revise := n.revise(t, edit{container: c.Name, set: map[string]any{"secrets": secrets}})
	for _, r := range revise {
		f.Fixes = []decision.Fix{{Lang: r.Lang, Text: lines("arn=$(aws secretsmanager create-secret --name "+plain+" --secret-string VALUE --query ARN --output text)", strings.Replace(r.Text, "@ARN@", "'$arn'", 1))}}
	}
}

// registrySecret completes the finding about the login of a private registry.
func (n names) registrySecret(t *state.Task, f *Finding) {
	f.Resource = f.Where
	f.Fixes = []decision.Fix{{Lang: LangCLI, Text: lines(
		`aws secretsmanager put-secret-value --secret-id `+f.Where+` --secret-string '{"username":"USERNAME","password":"PASSWORD"}' --query Name`, n.retry(t))}}
	f.Where = n.where(f.Where)
}

// missingLogGroup completes the finding about a log group that does not exist.
func (n names) missingLogGroup(t *state.Task, f *Finding) {
	group, region := f.Where, n.region
	if def := taskDefinition(n.tx, t.TaskDefinition); def != nil {
		for _, c := range def.Containers {
			if c.Log != nil && c.Log.Options["awslogs-group"] == group && c.Log.Options["awslogs-region"] != "" {
				region = c.Log.Options["awslogs-region"]
			}
		}
	}
	home := t.TaskDefinition
	if n.resource(group) != nil {
		home = group // its template has it, but somebody deleted it
	}
	f.Resource, f.Where = home, n.where(group)
	f.Fixes = n.add(home, snippet{
		cfn: "LogGroup:\n  Type: AWS::Logs::LogGroup\n  Properties: { LogGroupName: " + group + " }",
		hcl: fmt.Sprintf("resource \"aws_cloudwatch_log_group\" \"task\" {\n  name = %q\n}", group),
		cli: "aws logs create-log-group --region " + region + " --log-group-name " + group,
	})
}
