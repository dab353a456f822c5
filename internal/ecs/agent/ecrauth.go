package agent

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ecs/taskdef"
	"github.com/neargate/neargate/internal/state"
)

// registryAuth holds what to log in to registries with. Filling it and asking it
// happen at the same time: login waits until everything is there.
type registryAuth struct {
	ready chan struct{}
	once  sync.Once
	basic map[string]string // user:password by container
}

func newRegistryAuth() *registryAuth {
	return &registryAuth{ready: make(chan struct{}), basic: map[string]string{}}
}

func (r *registryAuth) done() { r.once.Do(func() { close(r.ready) }) }

// login returns user:password for a container's image, "" for none.
func (r *registryAuth) login(ctx context.Context, container string) (string, error) {
	select {
	case <-r.ready:
		return r.basic[container], nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// registryAuth gets a token for each ECR registry, and the credentials of private
// registries from Secrets Manager.
func (a *Agent) registryAuth(ctx context.Context, t *state.Task, d *state.TaskDefinition, c *client, creds Credentials, auth *registryAuth) error {
	tokens := map[string]string{}
	for _, con := range d.Containers {
		if con.CredentialsParameter != "" {
			login, err := a.registrySecret(ctx, t, c, creds, con.CredentialsParameter)
			if err != nil {
				return err
			}
			auth.basic[con.Name] = login
			continue
		}
		_, region, ok := taskdef.ECRImage(con.Image)
		if !ok {
			continue
		}
		if _, have := tokens[region]; !have {
			token, err := a.ecrToken(ctx, t, c, region, creds)
			if err != nil {
				return err
			}
			tokens[region] = token
		}
		auth.basic[con.Name] = tokens[region]
	}
	auth.done() // a failure ends those who wait by their context
	return nil
}

func (a *Agent) ecrToken(ctx context.Context, t *state.Task, c *client, region string, creds Credentials) (string, error) {
	var out struct {
		AuthorizationData []struct {
			AuthorizationToken string `json:"authorizationToken"`
		} `json:"authorizationData"`
	}
	err := c.call(ctx, ecrAPI, region, "GetAuthorizationToken", creds, struct{}{}, &out)
	if e := refused(err); e != nil {
		f := denied(decision.RegistryAuth, slug(e, "iam.exec-ecr", "reg.auth"), t.ExecutionRoleARN, textECRRefused(e), e)
		f.decision.Fix = attachManaged(f.decision.Code, e.Operation, t.ExecutionRoleARN)
		return "", f
	}
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", a.unreached(ctx, t, decision.RegistryAuth, textECRUnreachable(err), err)
	}
	for _, data := range out.AuthorizationData {
		if raw, err := base64.StdEncoding.DecodeString(data.AuthorizationToken); err == nil {
			return string(raw), nil
		}
	}
	return "", &failure{reason: pullingResources + "unable to retrieve ecr registry auth: the answer has no authorization token"}
}

// registrySecret reads user:password of a private registry from a secret.
func (a *Agent) registrySecret(ctx context.Context, t *state.Task, c *client, creds Credentials, name string) (string, error) {
	region := t.Region
	if parsed, err := arn.Parse(name); err == nil {
		region = parsed.Region
	}
	var out struct{ SecretString string }
	err := c.call(ctx, secretsAPI, region, "GetSecretValue", creds, map[string]string{"SecretId": name}, &out)
	if e := refused(err); e != nil {
		f := denied(decision.RegistryAuth, secretSlug(e), name, textRegistrySecret(name, e.Error()), e)
		if e.Code == "ResourceNotFoundException" {
			f.decision.Cause = "there is no secret " + name
			f.decision.Fix = []decision.Fix{{Lang: "cli", Target: "and put the ARN that it prints into CredentialsParameter",
				Text: "aws secretsmanager create-secret --region " + region + " --name " + secretName(name) + " --secret-string " + loginShape + " --query ARN --output text"}}
		}
		return "", f
	}
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", a.unreached(ctx, t, decision.RegistryAuth, textRegistryUnreachable(), err)
	}
	user, password, wrong := readLogin(out.SecretString)
	if wrong.text != "" {
		reason := textRegistryShape(wrong.text)
		return "", &failure{reason: reason, decision: decision.Decision{Phase: decision.RegistryAuth, Verdict: decision.Deny, Code: "reg.secret-shape", Where: name, AWSMessage: reason,
			Cause: "the secret " + name + " is not the JSON object that registries' logins are kept in: " + wrong.cause, Confidence: decision.Observed, Fix: putLogin(name)}}
	}
	return user + ":" + password, nil
}

// loginShape is what the secret of a private registry must look like, quoted for a shell.
const loginShape = `'{"username":"USER","password":"PASSWORD"}'`

// misshapen is what is wrong with a secret: in AWS's words and in ours. Neither
// may repeat anything of the secret.
type misshapen struct{ text, cause string }

// readLogin reads {"username":"...","password":"..."}.
func readLogin(secret string) (user, password string, wrong misshapen) {
	var login struct{ Username, Password *string }
	if secret == "" {
		return "", "", misshapen{"asm fetching authorization data: empty secrets value", "it has no text"}
	}
	if json.Unmarshal([]byte(secret), &login) != nil {
		wrong = misshapen{"asm fetching authorization data: unable to unmarshal secret value, invalid schema", "it is not JSON with two texts"}
		if json.Unmarshal([]byte("{"+secret+"}"), &login) == nil {
			wrong.cause = "the braces { } around it are missing"
		}
		return "", "", wrong
	}
	switch {
	case login.Username == nil || *login.Username == "":
		return "", "", misshapen{"asm fetching username: AuthorizationData is malformed, empty field", "it has no username"}
	case login.Password == nil || *login.Password == "":
		return "", "", misshapen{"asm fetching password: AuthorizationData is malformed, empty field", "it has no password"}
	}
	return strings.ReplaceAll(*login.Username, ":", ""), *login.Password, misshapen{}
}

func putLogin(secret string) []decision.Fix {
	return []decision.Fix{{Lang: "cli", Target: "with the user name and password of the registry", Text: "aws secretsmanager put-secret-value --secret-id " + secret + " --secret-string " + loginShape}}
}

// putLogin is the fix for a login that the registry does not accept.
func (p *pull) putLogin() []decision.Fix {
	if p.secret == "" {
		return nil
	}
	return putLogin(p.secret)
}
