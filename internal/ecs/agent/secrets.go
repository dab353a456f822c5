package agent

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// secrets fetches the values of all secrets and returns them as NAME=value by container.
func (a *Agent) secrets(ctx context.Context, t *state.Task, d *state.TaskDefinition, c *client, creds Credentials) (map[string][]string, error) {
	out := map[string][]string{}
	values := map[string]string{} // Secrets Manager's answers, each secret asked once
	parameters := map[string][]string{}
	for _, con := range d.Containers {
		for _, s := range con.Secrets {
			if region, _, ok := parameter(t, s.Value); ok {
				if !slices.Contains(parameters[region], s.Value) {
					parameters[region] = append(parameters[region], s.Value)
				}
				continue
			}
			value, err := a.secret(ctx, t, c, creds, s.Value, values)
			if err != nil {
				return nil, err
			}
			out[con.Name] = append(out[con.Name], s.Name+"="+value)
		}
	}
	for _, region := range slices.Sorted(maps.Keys(parameters)) {
		if err := a.parameters(ctx, t, c, creds, region, parameters[region], values); err != nil {
			return nil, err
		}
	}
	for _, con := range d.Containers {
		for _, s := range con.Secrets {
			if _, _, ok := parameter(t, s.Value); ok {
				out[con.Name] = append(out[con.Name], s.Name+"="+values[s.Value])
			}
		}
	}
	return out, nil
}

// parameter reports whether valueFrom names a parameter of Systems Manager: by
// its name, or an ARN.
func parameter(t *state.Task, from string) (region, name string, ok bool) {
	if !strings.HasPrefix(from, "arn:") {
		return t.Region, from, true
	}
	parsed, err := arn.Parse(from)
	if err != nil || parsed.Service != "ssm" {
		return "", "", false
	}
	return parsed.Region, "/" + parsed.ID(), true
}

// secretRef is valueFrom of Secrets Manager taken apart:
// arn:...:secret:NAME[:json-key:version-stage:version-id].
type secretRef struct{ arn, region, key, stage, version string }

func parseSecret(from string) (secretRef, bool) {
	parts := strings.Split(from, ":")
	if len(parts) != 7 && len(parts) != 10 || parts[0] != "arn" || parts[2] != "secretsmanager" || parts[5] != "secret" || parts[6] == "" {
		return secretRef{}, false
	}
	ref := secretRef{arn: strings.Join(parts[:7], ":"), region: parts[3]}
	if len(parts) == 10 {
		ref.key, ref.stage, ref.version = parts[7], parts[8], parts[9]
	}
	return ref, ref.stage == "" || ref.version == ""
}

func (a *Agent) secret(ctx context.Context, t *state.Task, c *client, creds Credentials, from string, values map[string]string) (string, error) {
	ref, ok := parseSecret(from)
	if !ok {
		return "", secretFailure(textSecretARN(), "sec.not-found", from, "valueFrom is no ARN of a secret")
	}
	id := ref.arn + ":" + ref.stage + ":" + ref.version
	content, have := values[id]
	if !have {
		in := map[string]string{"SecretId": ref.arn}
		if ref.stage != "" {
			in["VersionStage"] = ref.stage
		}
		if ref.version != "" {
			in["VersionId"] = ref.version
		}
		var out struct{ SecretString string }
		err := c.call(ctx, secretsAPI, ref.region, "GetSecretValue", creds, in, &out)
		if e := refused(err); e != nil {
			f := denied(decision.Secrets, secretSlug(e), ref.arn, textSecretRefused(ref.arn, e), e)
			if e.Code == "ResourceNotFoundException" {
				f.decision.Cause, f.decision.Fix = missingSecret(ref)
			}
			return "", f
		}
		if err != nil {
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			return "", a.unreached(ctx, t, decision.Secrets, textSecretUnreachable(ref.arn), err)
		}
		content = out.SecretString
		values[id] = content
	}
	if ref.key == "" {
		return content, nil
	}
	return jsonKey(ref, content)
}

// missingSecret explains a secret, or a version of one, that does not exist.
func missingSecret(ref secretRef) (cause string, fix []decision.Fix) {
	cause = "there is no secret " + ref.arn
	switch {
	case ref.stage != "":
		cause = "the secret " + ref.arn + " does not exist, or has no version " + ref.stage
	case ref.version != "":
		cause = "the secret " + ref.arn + " does not exist, or has no version " + ref.version
	}
	return cause, []decision.Fix{{Lang: "cli", Target: "and put the ARN that it prints into ValueFrom",
		Text: "aws secretsmanager create-secret --region " + ref.region + " --name " + secretName(ref.arn) + " --secret-string VALUE --query ARN --output text"}}
}

// secretName is the name in an ARN, without what Secrets Manager put behind it.
func secretName(arn string) string {
	name := arn[strings.LastIndex(arn, ":")+1:]
	if i := strings.LastIndex(name, "-"); name != arn && i >= 0 && len(name)-i == 7 {
		return name[:i]
	}
	return name
}

// secretSlug is the slug of a secret or parameter that was not given: the role's
// permission on it, the role's permission on its key, or something else.
func secretSlug(e *apiError) string {
	switch {
	case e.Code == "InvalidKeyId" || e.Code == "DecryptionFailure":
		return "sec.key"
	case !strings.HasPrefix(e.Code, "AccessDenied"):
		return "sec.not-found"
	case strings.Contains(e.Message, "Access to KMS") || strings.Contains(e.Message, " kms:"):
		return "iam.exec-kms"
	}
	return "iam.exec-secret"
}

// jsonKey takes one value out of a secret that is a JSON object.
func jsonKey(ref secretRef, content string) (string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(content), &object); err != nil {
		return "", secretFailure(textSecretContent(err), "sec.json-key", ref.arn, "the secret is not a JSON object")
	}
	raw, ok := object[ref.key]
	if !ok {
		names := slices.Sorted(maps.Keys(object))
		f := secretFailure(textSecretKey(ref.arn, ref.key), "sec.json-key", ref.arn, "the secret has no key "+ref.key+"; it has "+strings.Join(names, ", "))
		for _, name := range names {
			f.decision.Facts = append(f.decision.Facts, decision.Fact{Name: "key", Value: name})
		}
		return "", f
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	return string(raw), nil
}

func secretFailure(reason, code, where, cause string) *failure {
	return &failure{reason: reason, decision: decision.Decision{Phase: decision.Secrets, Verdict: decision.Deny, Code: code, Where: where, Resource: where, Cause: cause, AWSMessage: reason, Confidence: decision.Observed}}
}

// parameters fetches parameters of one region, ten at a time, as the API has it.
func (a *Agent) parameters(ctx context.Context, t *state.Task, c *client, creds Credentials, region string, from []string, values map[string]string) error {
	for batch := range slices.Chunk(from, 10) {
		names := map[string]string{}
		var ask []string
		for _, f := range batch {
			_, name, _ := parameter(t, f)
			if strings.HasPrefix(f, "arn:") && strings.Count(name, "/") == 1 {
				name = name[1:] // a parameter without a path is named without the slash
			}
			names[name], ask = f, append(ask, name)
		}
		var out struct {
			Parameters        []struct{ Name, Value string }
			InvalidParameters []string
		}
		err := c.call(ctx, ssmAPI, region, "GetParameters", creds, map[string]any{"Names": ask, "WithDecryption": true}, &out)
		if e := refused(err); e != nil {
			return denied(decision.Secrets, secretSlug(e), strings.Join(ask, " "), textParametersRefused(e), e)
		}
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return a.unreached(ctx, t, decision.Secrets, textParametersUnreachable(), err)
		}
		if len(out.InvalidParameters) > 0 {
			missing := strings.Join(out.InvalidParameters, ",")
			return secretFailure(textParametersInvalid(missing), "sec.not-found", missing, "there is no parameter of that name in "+region)
		}
		for _, p := range out.Parameters {
			if f, ok := names[p.Name]; ok {
				values[f] = p.Value
			}
		}
	}
	return nil
}
