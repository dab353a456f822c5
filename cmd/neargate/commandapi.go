package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/control"
	"github.com/neargate/neargate/internal/ecs"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/instance"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/why"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"io"
)

// commandAPI is what Neargate's own commands ask a running instance for.
type commandAPI struct {
	db       *store.DB
	dir      *instance.Dir
	info     instance.Info
	accounts *access.Keys
	shelf    *registry.Shelf
	loaded   func() // called when an image was loaded
	gate     *gateway.Gateway
	local    *localNames
	why      *why.Explainer
	ecs      *ecs.Service
	sealer   seal.Sealer
	front    *sharedFront
	dns      *hostDNS
}

func (c *commandAPI) register(s *control.Server) {
	var services []*wire.Service
	for _, m := range c.gate.Mounts() {
		services = append(services, m.Model)
	}
	for _, route := range []control.Route{
		control.Invoke(c.gate, services),
		{Pattern: "GET /status", Handle: c.status},
		{Pattern: "POST /accounts", Handle: c.createAccount},
		{Pattern: "GET /why", Handle: c.explain},
		{Pattern: "POST /check", Handle: c.check},
		{Pattern: "POST /interrupt", Handle: func(r *http.Request) (any, error) { return c.ecs.Interrupt(r.Context(), r.URL.Query().Get("target")) }},
		{Pattern: "GET /registries", Handle: func(*http.Request) (any, error) { return c.local.registries(), nil }},
		{Pattern: "GET /names", Handle: func(r *http.Request) (any, error) { return c.names(r, services) }},
		{Pattern: "GET /images", Handle: func(*http.Request) (any, error) { return views(c.shelf.List()), nil }},
		{Pattern: "POST /images", Handle: c.loadImage, Stream: true},
		{Pattern: "POST /images/login", Handle: c.protectImage},
	} {
		s.Handle(route)
	}
}

func (c *commandAPI) status(*http.Request) (any, error) {
	tx := c.db.Read()
	view := statusView{
		ID: c.dir.ID, Version: version, Endpoint: c.info.Endpoint, Region: c.info.Region, PID: os.Getpid(), StartedAt: c.info.StartedAt,
		Counts: map[string]int{}, MemoryKiB: residentKiB(),
	}
	for range state.Accounts.All(tx, "") {
		view.Accounts++
	}
	for t := range state.Tasks.By(tx, "alive", "yes") {
		if t.LastStatus == state.TaskRunning {
			view.Counts["tasks"]++
		}
	}
	for s := range state.Services.All(tx, "") {
		if s.Status == "ACTIVE" {
			view.Counts["services"]++
		}
	}
	for s := range state.Stacks.All(tx, "") {
		if s.Status != "DELETE_COMPLETE" {
			view.Counts["stacks"]++
		}
	}
	for range state.Vpcs.All(tx, "") {
		view.Counts["vpcs"]++
	}
	view.Unhealthy = unwellTargets(tx)
	view.Front, view.Balancers, view.DNS = c.front.State(), c.front.urls(tx), c.dns.State()
	return view, nil
}

func (c *commandAPI) createAccount(r *http.Request) (any, error) {
	if id := caller.From(r.Context()); id.Account != access.OperatorAccount {
		return nil, &control.Error{Status: http.StatusForbidden, Code: "iam.not-operator", Message: "only the operator makes accounts, not " + id.ARN}
	}
	return c.accounts.CreateAccount(r.Context())
}

func (c *commandAPI) explain(r *http.Request) (any, error) {
	id := caller.From(r.Context())
	target := r.URL.Query().Get("target")
	report, err := c.why.Why(r.Context(), id.Account, id.Region, target)
	if errors.Is(err, why.ErrNotFound) {
		return nil, &control.Error{Status: http.StatusNotFound, Code: "why.not-found", Message: err.Error() + " in account " + id.Account + ", region " + id.Region, Fix: "neargate ps -a"}
	}
	return report, err
}

func (c *commandAPI) names(r *http.Request, services []*wire.Service) (any, error) {
	addr, ok := c.local.names.Addr(apiName)
	if !ok {
		return nil, &control.Error{Status: http.StatusServiceUnavailable, Code: "host.names", Message: "the address for AWS's names is not there yet"}
	}
	return apiNames{
		Address: addr.String(), Names: c.local.apiHosts(services, r.URL.Query().Get("region")),
		Resolver: c.local.resolver.lead(addr, c.local.loadBalancers()),
	}, nil
}

// maxImage bounds an image archive that is loaded.
const maxImage = 32 << 30

// protectImage makes a repository of loaded images private.
func (c *commandAPI) protectImage(r *http.Request) (any, error) {
	var login imageLogin
	if err := json.NewDecoder(r.Body).Decode(&login); err != nil {
		return nil, &control.Error{Status: http.StatusBadRequest, Code: "image.login", Message: "the login cannot be read"}
	}
	if err := c.shelf.Protect(login.Name, login.Username, login.Password); err != nil {
		return nil, &control.Error{Status: http.StatusBadRequest, Code: "image.login", Message: err.Error()}
	}
	return nil, nil
}

// loadImage takes an archive in the request's body.
func (c *commandAPI) loadImage(r *http.Request) (any, error) {
	f, err := os.CreateTemp(c.dir.Path, "load-*.tar")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := io.Copy(f, http.MaxBytesReader(nil, r.Body, maxImage)); err != nil {
		return nil, &control.Error{Status: http.StatusBadRequest, Code: "image.transfer", Message: "the archive did not arrive whole: " + err.Error()}
	}
	archive, err := image.Open(f.Name())
	if err != nil {
		return nil, &control.Error{Status: http.StatusBadRequest, Code: "image.format", Message: err.Error(), Fix: "docker save IMAGE -o FILE   or   skopeo copy docker://IMAGE oci-archive:FILE"}
	}
	defer archive.Close()
	loaded := []registry.Loaded{}
	for _, i := range archive.Images {
		names := i.Names
		if name := r.URL.Query().Get("name"); name != "" {
			names = []string{name}
		}
		for _, name := range names {
			l, err := c.shelf.Load(r.Context(), archived{archive, i.Target}, name)
			if err != nil {
				return nil, &control.Error{Status: http.StatusBadRequest, Code: "image.load", Message: err.Error()}
			}
			loaded = append(loaded, l)
		}
	}
	if len(loaded) == 0 {
		return nil, &control.Error{Status: http.StatusBadRequest, Code: "image.no-name", Message: "the archive names no image", Fix: "neargate image load FILE --name NAME"}
	}
	c.loaded()
	return views(loaded), nil
}

// archived is one image of an archive as the registry's shelf takes it.
type archived struct {
	archive *image.Archive
	root    ocispec.Descriptor
}

func (a archived) Root() ocispec.Descriptor { return a.root }

func (a archived) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	return a.archive.Blob(ctx, d)
}

func views(loaded []registry.Loaded) []imageView {
	out := []imageView{}
	for _, l := range loaded {
		out = append(out, imageView{Name: l.Name, Digest: l.Root.Digest.String(), Size: l.Size, LoadedAt: l.Loaded.Truncate(time.Second)})
	}
	return out
}

// residentKiB is the memory that this process holds.
func residentKiB() int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}
