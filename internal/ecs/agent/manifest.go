package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

// pull is one container's image on its way.
type pull struct {
	container string
	image     string // as the task definition names it
	secret    string // repositoryCredentials; "" without
	ref       registry.Reference
	from      *source
	target    ocispec.Descriptor // what the reference resolved to: manifest or index
	platform  ocispec.Platform
	blobs     []ocispec.Descriptor // config and layers of the platform's manifest
	manifests map[digest.Digest][]byte
}

// manifests resolves the image of each container.
func (a *Agent) manifests(ctx context.Context, t *state.Task, d *state.TaskDefinition, c *client, auth *registryAuth) ([]*pull, error) {
	pulls := make([]*pull, len(d.Containers))
	pinned := a.pinned(t)
	var parts []func(context.Context) error
	for i, con := range d.Containers {
		parts = append(parts, func(ctx context.Context) error {
			ref, err := registry.ParseReference(con.Image)
			if err != nil {
				reason := textImageName(con.Image, err)
				return &failure{reason: reason, container: con.Name, decision: decision.Decision{Phase: decision.Manifest, Verdict: decision.Deny, Code: "reg.not-found", Where: con.Image, Cause: err.Error(), AWSMessage: reason}}
			}
			login, err := auth.login(ctx, con.Name)
			if err != nil {
				return err
			}
			if con.VersionConsistency != "disabled" && pinned[con.Name] != "" {
				ref.Digest = digest.Digest(pinned[con.Name])
			}
			pulls[i] = &pull{container: con.Name, image: con.Image, secret: con.CredentialsParameter, ref: ref, platform: platformOf(d), manifests: map[digest.Digest][]byte{},
				from: &source{client: c, host: connectHost(ref.Host), repository: ref.Repository, login: login}}
			return a.resolve(ctx, t, pulls[i])
		})
	}
	return pulls, inOrder(ctx, parts...)
}

// connectHost is where a registry of that name listens.
func connectHost(host string) string {
	if host == "docker.io" {
		return "registry-1.docker.io"
	}
	return host
}

func platformOf(d *state.TaskDefinition) ocispec.Platform {
	if d.Platform != nil && d.Platform.CPUArchitecture == "ARM64" {
		return ocispec.Platform{OS: "linux", Architecture: "arm64"}
	}
	return ocispec.Platform{OS: "linux", Architecture: "amd64"}
}

// pinned are the digests that the first task of the deployment ran with.
func (a *Agent) pinned(t *state.Task) map[string]string {
	svc, ok := state.Services.Get(a.DB.Read(), t.ServiceKey())
	if !ok {
		return nil
	}
	for _, d := range svc.Deployments {
		if d.ID == t.Deployment {
			return d.Digests
		}
	}
	return nil
}

// resolve asks the registry what the reference is, and reads the manifest of the
// task's platform.
func (a *Agent) resolve(ctx context.Context, t *state.Task, p *pull) error {
	reference := p.ref.Tag
	if p.ref.Digest != "" {
		reference = p.ref.Digest.String()
	}
	answer, err := p.from.get(ctx, http.MethodHead, "manifests/"+reference, manifestTypes, "")
	if err != nil {
		return a.unresolved(ctx, t, p, err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return refusedManifest(p, reference, answer)
	}
	p.target = ocispec.Descriptor{MediaType: answer.Header.Get("Content-Type"), Digest: digest.Digest(answer.Header.Get("Docker-Content-Digest")), Size: answer.ContentLength}
	if p.target.Digest == "" {
		p.target.Digest = p.ref.Digest
	}
	if err := p.target.Digest.Validate(); err != nil {
		return notFound(p, "the registry named no digest: "+err.Error())
	}
	content, err := a.manifest(ctx, p, p.target.Digest)
	if err != nil {
		return a.unresolved(ctx, t, p, err)
	}
	var index ocispec.Index
	if json.Unmarshal(content, &index) == nil && len(index.Manifests) > 0 {
		chosen, err := runtime.Pick(index, p.platform)
		var none *runtime.PlatformError
		if errors.As(err, &none) {
			return wrongPlatform(p, none)
		}
		if err != nil {
			return err
		}
		if content, err = a.manifest(ctx, p, chosen.Digest); err != nil {
			return a.unresolved(ctx, t, p, err)
		}
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(content, &manifest); err != nil {
		return notFound(p, "the manifest cannot be read: "+err.Error())
	}
	p.blobs = append([]ocispec.Descriptor{manifest.Config}, manifest.Layers...)
	return nil
}

// manifest reads a manifest: from this machine if it is here, else from the registry.
func (a *Agent) manifest(ctx context.Context, p *pull, d digest.Digest) ([]byte, error) {
	if have, ok := p.manifests[d]; ok {
		return have, nil
	}
	body, err := a.localBlob(d)
	if err != nil {
		answer, err := p.from.get(ctx, http.MethodGet, "manifests/"+d.String(), manifestTypes, "")
		if err != nil {
			return nil, err
		}
		body = answer.Body
		if answer.StatusCode != http.StatusOK {
			body.Close()
			return nil, &statusError{answer.Status}
		}
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, maxManifest))
	if err != nil {
		return nil, err
	}
	if d.Algorithm().FromBytes(content) != d {
		return nil, errors.New("the manifest is not what its digest says")
	}
	p.manifests[d] = content
	return content, nil
}

var errNotLocal = errors.New("not on this machine")

func (a *Agent) localBlob(d digest.Digest) (io.ReadCloser, error) {
	if a.Blobs == nil {
		return nil, errNotLocal
	}
	return a.Blobs.OpenBlob(d)
}

// name is the image as AWS's texts name it.
func (p *pull) name() string {
	if p.ref.Digest != "" && p.ref.Tag != "" {
		return p.ref.Host + "/" + p.ref.Repository + "@" + p.ref.Digest.String()
	}
	return p.ref.String()
}

// unresolved is the failure of a manifest that could not be asked for.
func (a *Agent) unresolved(ctx context.Context, t *state.Task, p *pull, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var status *statusError
	if errors.As(err, &status) {
		return notFound(p, err.Error())
	}
	var token *tokenError
	if errors.As(err, &token) {
		f := notFound(p, err.Error())
		f.decision.Code, f.decision.Cause = "reg.auth", "the registry's token server answered "+token.status
		if token.code == http.StatusUnauthorized && p.from.login != "" {
			f.decision.Cause = "the registry does not accept the user name and password of repositoryCredentials"
			f.decision.Fix = p.putLogin()
		}
		return f
	}
	f := a.unreached(ctx, t, decision.Manifest, textManifest(p.name(), "failed to do request: "+clean(err)), err)
	f.container = p.container
	return f
}

func notFound(p *pull, problem string) *failure {
	reason := textManifest(p.name(), problem)
	return &failure{reason: reason, container: p.container, decision: decision.Decision{
		Phase: decision.Manifest, Verdict: decision.Deny, Code: "reg.not-found", Where: p.name(), Cause: problem, AWSMessage: reason, Confidence: decision.Observed,
		Facts: []decision.Fact{{Name: "image", Value: p.image}, {Name: "registry", Value: p.from.host}},
	}}
}

// refusedManifest is the failure of a manifest that the registry did not give.
func refusedManifest(p *pull, reference string, answer *http.Response) *failure {
	f := notFound(p, p.name()+": not found")
	switch answer.StatusCode {
	case http.StatusNotFound:
		if p.ref.Tag != "" {
			f.decision.Code = "reg.no-tag"
		}
		f.decision.Cause = "the registry has no image " + p.name()
	case http.StatusUnauthorized:
		f = notFound(p, "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed")
		f.decision.Code, f.decision.Cause = "reg.auth", "the repository does not exist, or is private and the container definition has no repositoryCredentials"
		if p.from.login != "" {
			f.decision.Cause, f.decision.Fix = "the repository does not exist, or the user of repositoryCredentials may not pull from it", p.putLogin()
		}
	case http.StatusForbidden:
		f.reason = textManifestRefused(p.name(), p.from.host, reference, answer.Status)
		f.decision.Code, f.decision.Cause = "iam.exec-ecr", "the registry refused the manifest: "+answer.Status
	case http.StatusTooManyRequests:
		f.reason = textManifest(p.name(), "unexpected status code [manifests "+reference+"]: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.")
		f.decision.Cause = "the registry limits the rate of pulls"
	default:
		f.reason = textManifest(p.name(), "unexpected status code [manifests "+reference+"]: "+answer.Status)
		f.decision.Cause = "the registry answered " + answer.Status
	}
	f.decision.AWSMessage = f.reason
	return f
}

func wrongPlatform(p *pull, none *runtime.PlatformError) *failure {
	reason := textPlatform(p.platform.OS + "/" + p.platform.Architecture)
	return &failure{reason: reason, container: p.container, decision: decision.Decision{
		Phase: decision.Manifest, Verdict: decision.Deny, Code: "reg.arch", Where: p.name(), Cause: none.Error(), AWSMessage: reason, Confidence: decision.Observed,
	}}
}

// pullImages proves the way to every blob and makes the images ready to run.
func (a *Agent) pullImages(ctx context.Context, t *state.Task, pulls []*pull) (map[string]runtime.Image, error) {
	images := make([]runtime.Image, len(pulls))
	group, within := errgroup.WithContext(ctx)
	for i, p := range pulls {
		group.Go(func() (err error) {
			if err = a.prove(within, t, p); err == nil {
				images[i], err = a.ensureImage(within, t, p)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := map[string]runtime.Image{}
	for i, p := range pulls {
		out[p.container] = images[i]
	}
	return out, nil
}
