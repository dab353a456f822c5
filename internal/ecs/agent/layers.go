package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

// proofs is how many blobs are tried at once.
const proofs = 8

// prove reads one byte of each blob through the task's network, redirects
// followed: what is on this machine already must still be reachable.
func (a *Agent) prove(ctx context.Context, t *state.Task, p *pull) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(proofs)
	for _, b := range p.blobs {
		group.Go(func() error {
			body, err := a.openBlob(within, t, p, b, "0-0")
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, io.LimitReader(body, 1))
			body.Close()
			return err
		})
	}
	return group.Wait()
}

// openBlob opens a blob, or a range of it, at the registry. A *failure says why not.
func (a *Agent) openBlob(ctx context.Context, t *state.Task, p *pull, b ocispec.Descriptor, span string) (io.ReadCloser, error) {
	answer, err := p.from.get(ctx, http.MethodGet, "blobs/"+b.Digest.String(), "", span)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f := a.unreached(ctx, t, decision.Layers, textLayerUnreachable(err), err)
		f.container = p.container
		return nil, f
	}
	if answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusPartialContent {
		return answer.Body, nil
	}
	answer.Body.Close()
	where := *answer.Request.URL
	where.RawQuery = ""
	reason := textLayerRefused(where.String(), answer.Status)
	d := decision.Decision{Phase: decision.Layers, Verdict: decision.Deny, Code: "reg.not-found", Where: where.Host, AWSMessage: reason, Confidence: decision.Observed,
		Cause: where.Host + " answered " + answer.Status + " to the request for a layer", Facts: []decision.Fact{{Name: "layer", Value: b.Digest.String()}}}
	if answer.StatusCode == http.StatusForbidden {
		d.Code = "iam.endpoint-policy"
		if where.Host == p.from.host {
			d.Code = "iam.exec-ecr"
		}
	}
	return nil, &failure{reason: reason, container: p.container, decision: d}
}

// ensureImage makes the image ready to run. Blobs that are on this machine are
// taken from here.
func (a *Agent) ensureImage(ctx context.Context, t *state.Task, p *pull) (runtime.Image, error) {
	fault.Point("agent.image.before")
	image, err := a.Runtime.EnsureImage(ctx, runtime.ImageSource{
		Target: p.target, Platform: p.platform,
		Fetch: func(ctx context.Context, b ocispec.Descriptor) (io.ReadCloser, error) {
			if have, ok := p.manifests[b.Digest]; ok {
				return io.NopCloser(bytes.NewReader(have)), nil
			}
			if local, err := a.localBlob(b.Digest); err == nil {
				return local, nil
			}
			return a.openBlob(ctx, t, p, b, "")
		},
	})
	fault.Point("agent.image.after")
	var none *runtime.PlatformError
	var f *failure
	switch {
	case err == nil:
		return image, nil
	case errors.As(err, &f): // from Fetch
		return image, f
	case errors.As(err, &none):
		return image, wrongPlatform(p, none)
	case ctx.Err() != nil:
		return image, ctx.Err()
	}
	reason := textUnpack(err)
	return image, &failure{reason: reason, container: p.container, decision: decision.Decision{
		Phase: decision.Layers, Verdict: decision.Error, Code: "host.resources", Where: p.name(), Cause: err.Error(), AWSMessage: reason, Confidence: decision.Observed}}
}
