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
		return "", denied(decision.RegistryAuth, slug(e, "iam.exec-secret", "sec.not-found"), name, textRegistrySecret(name, e.Error()), e)
	}
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", a.unreached(ctx, t, decision.RegistryAuth, textRegistrySecret(name, clean(err)), err)
	}
	var login struct{ Username, Password string }
	problem := ""
	switch err := json.Unmarshal([]byte(out.SecretString), &login); {
	case err != nil:
		problem = "invalid registry auth: the secret is not JSON"
	case login.Username == "":
		problem = "invalid registry auth: the secret has no username"
	case login.Password == "":
		problem = "invalid registry auth: the secret has no password"
	}
	if problem != "" {
		reason := textRegistrySecret(name, problem)
		return "", &failure{reason: reason, decision: decision.Decision{Phase: decision.RegistryAuth, Verdict: decision.Deny, Code: "reg.secret-shape", Where: name, AWSMessage: reason,
			Cause: `the secret must be JSON like {"username":"...","password":"..."}`, Confidence: decision.Observed}}
	}
	return strings.ReplaceAll(login.Username, ":", "") + ":" + login.Password, nil
}
