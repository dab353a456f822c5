package containerd

import (
	"context"
	"errors"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/cmd/containerd/server"
	srvconfig "github.com/containerd/containerd/v2/cmd/containerd/server/config"
	"github.com/containerd/containerd/v2/plugins"
	overlayutils "github.com/containerd/containerd/v2/plugins/snapshots/overlay/overlayutils"
	"github.com/containerd/containerd/v2/version"
	"github.com/containerd/platforms"
	"github.com/containerd/plugin"
	"github.com/containerd/plugin/registry"

	"github.com/neargate/neargate/internal/runtime/containerd/supervisor"
)

// handoff carries the in-memory client out of containerd's plugin graph. It
// travels in the context that server.New hands to every plugin, so that several
// instances in one process do not meet.
type handoff struct{ client *client.Client }

type handoffKey struct{}

// Containerd has one registry of plugins per process and fills it in init; ours
// goes the same way. It is the client: it asks for the services that a client
// needs and calls them directly, with no socket between.
func init() {
	registry.Register(&plugin.Registration{
		Type: plugins.GRPCPlugin,
		ID:   "neargate",
		Requires: []plugin.Type{
			plugins.EventPlugin, plugins.ServicePlugin, plugins.LeasePlugin,
			plugins.SandboxStorePlugin, plugins.TransferPlugin, plugins.MountManagerPlugin,
		},
		InitFn: func(ic *plugin.InitContext) (any, error) {
			out, ok := ic.Context.Value(handoffKey{}).(*handoff)
			if !ok {
				return nil, plugin.ErrSkipPlugin
			}
			c, err := client.New("",
				client.WithDefaultNamespace(namespace),
				client.WithDefaultPlatform(platforms.Default()),
				client.WithInMemoryServices(ic))
			out.client = c
			return c, err
		},
	})
}

// serve starts containerd's server within this process.
func (r *Runtime) serve(ctx context.Context) error {
	routeLogs(r.options.Log)
	config := &srvconfig.Config{
		Version: version.ConfigVersion,
		Root:    r.paths.root,
		State:   r.paths.state,
		Plugins: map[string]any{
			// The shims send events over ttrpc; the socket is root's alone. There is no
			// gRPC server, but its address is the name by which shims belong to us.
			"io.containerd.server.v1.grpc":  map[string]any{"address": r.paths.grpc},
			"io.containerd.server.v1.ttrpc": map[string]any{"address": r.paths.ttrpc},
			"io.containerd.shim.v1.manager": map[string]any{
				"socket_dir": r.paths.sockets,
				"env":        []string{supervisor.RoleEnv + "=" + supervisor.RoleShim, supervisor.RecordsEnv + "=" + r.paths.records},
			},
		},
		RequiredPlugins: []string{"io.containerd.grpc.v1.neargate", "io.containerd.server.v1.ttrpc"},
		Timeouts:        map[string]string{"io.containerd.timeout.bolt.open": "5s"},
	}
	if err := server.CreateTopLevelDirectories(config); err != nil {
		return err
	}
	// Containerd's goroutines end by Stop, not by the end of the caller's context.
	out := &handoff{}
	ctx = context.WithValue(context.WithoutCancel(ctx), handoffKey{}, out)
	srv, err := server.New(ctx, config)
	if err != nil {
		return err
	}
	if out.client == nil {
		srv.Stop()
		return errors.New("the in-memory client was not made")
	}
	if err := srv.Start(ctx); err != nil {
		srv.Stop()
		return err
	}
	srv.Wait()
	r.server, r.client = srv, out.client
	return nil
}

// pickSnapshotter prefers overlayfs; where the data directory's file system
// cannot carry it (it is an overlay itself, as inside a container), layers are
// copied.
func pickSnapshotter(root string) string {
	if overlayutils.Supported(root) == nil {
		return "overlayfs"
	}
	return "native"
}
