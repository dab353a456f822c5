package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/neargate/neargate/internal/image"
)

// Peer is containerd's own API: the host's containerd as a daemon of its own,
// its shim and its runc.
type Peer struct {
	daemon *exec.Cmd
	client *client.Client
	image  client.Image
	log    string
}

// OpenPeer gives nil if the host has no containerd.
func OpenPeer(ctx context.Context, dir, layout string) (Contender, error) {
	program, err := exec.LookPath("containerd")
	if err != nil {
		fmt.Println("no containerd here: left out")
		return nil, nil
	}
	dir += "/peer"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	config := fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = %q\n",
		dir+"/root", dir+"/state", dir+"/sock")
	if err := os.WriteFile(dir+"/config.toml", []byte(config), 0o600); err != nil {
		return nil, err
	}
	p := &Peer{daemon: exec.Command(program, "--config", dir+"/config.toml"), log: dir + "/log"}
	if err := p.daemon.Start(); err != nil {
		return nil, err
	}
	if p.client, err = client.New(dir+"/sock", client.WithTimeout(10*time.Second)); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	if p.image, err = p.load(p.context(ctx), layout); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Peer) load(ctx context.Context, layout string) (client.Image, error) {
	tar, err := os.CreateTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(tar.Name())
	defer tar.Close()
	if err := image.Pack(layout, tar); err != nil {
		return nil, err
	}
	if _, err := tar.Seek(0, 0); err != nil {
		return nil, err
	}
	imported, err := p.client.Import(ctx, tar)
	if err != nil {
		return nil, err
	}
	i := client.NewImage(p.client, imported[0])
	return i, i.Unpack(ctx, "overlayfs")
}

func (p *Peer) context(ctx context.Context) context.Context {
	return namespaces.WithNamespace(ctx, "bench")
}

func (p *Peer) Name() string { return "containerd's API, host's version" }

func (p *Peer) Start(ctx context.Context, id string) error {
	ctx = p.context(ctx)
	container, err := p.client.NewContainer(ctx, id, client.WithSnapshotter("overlayfs"), client.WithNewSnapshot(id, p.image),
		client.WithRuntime("io.containerd.runc.v2", nil),
		client.WithNewSpec(oci.WithImageConfig(p.image), oci.WithMemoryLimit(64<<20)))
	if err != nil {
		return err
	}
	task, err := container.NewTask(ctx, cio.LogFile(p.log))
	if err != nil {
		return err
	}
	return task.Start(ctx)
}

func (p *Peer) Remove(ctx context.Context, id string) error {
	ctx = p.context(ctx)
	container, err := p.client.LoadContainer(ctx, id)
	if err != nil {
		return err
	}
	task, err := container.Task(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := task.Delete(ctx, client.WithProcessKill); err != nil {
		return err
	}
	return container.Delete(ctx, client.WithSnapshotCleanup)
}

func (p *Peer) Close() error {
	if p.client != nil {
		p.client.Close()
	}
	p.daemon.Process.Signal(os.Interrupt)
	p.daemon.Wait() // ends by our signal: an error says nothing
	return nil
}
