package runtime

import (
	"context"
	"errors"

	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/containerd"
)

// ours is Neargate's runtime as the ECS agent uses it: a task with limits, and
// a container in it.
type ours struct {
	rt    *containerd.Runtime
	image string
	log   string
}

// OpenOurs opens a runtime of its own below dir.
func OpenOurs(ctx context.Context, dir, layout string) (Contender, error) {
	r, err := containerd.Open(ctx, containerd.Options{DataDir: dir + "/ours", Instance: "b-" + ids.Hex(8)})
	if err != nil {
		return nil, err
	}
	o := &ours{rt: r, log: dir + "/log"}
	archive, err := image.Open(layout)
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	defer archive.Close()
	known, err := r.EnsureImage(ctx, runtime.ImageSource{Target: archive.Images[0].Target, Fetch: archive.Blob})
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	o.image = known.Digest
	return o, nil
}

func (o *ours) Name() string { return "neargate, task and container" }

func (o *ours) Start(ctx context.Context, id string) error {
	if err := o.rt.EnsureTask(ctx, runtime.TaskSpec{ID: id, CPU: 1024, Memory: 256 << 20}); err != nil {
		return err
	}
	return o.container(ctx, id, id)
}

func (o *ours) container(ctx context.Context, task, id string) error {
	spec := runtime.ContainerSpec{ID: id, TaskID: task, Image: o.image, LogPath: o.log, MemoryLimit: 64 << 20}
	if err := o.rt.Create(ctx, spec); err != nil {
		return err
	}
	return o.rt.Start(ctx, id)
}

func (o *ours) Remove(ctx context.Context, id string) error { return o.rt.RemoveTask(ctx, id) }

func (o *ours) Close() error { return o.rt.Purge(context.Background(), true) }

// second is OpenSecond's: it measures one more container in a task that runs, that is without the
// start of a shim.
type second struct{ *ours }

// OpenSecond opens another one, with a task that runs.
func OpenSecond(ctx context.Context, dir, layout string) (Contender, error) {
	c, err := OpenOurs(ctx, dir+"/second", layout)
	if err != nil {
		return nil, err
	}
	s := second{c.(*ours)}
	return s, s.ours.Start(ctx, "task")
}

func (s second) Name() string { return "neargate, second container" }

func (s second) Start(ctx context.Context, id string) error { return s.container(ctx, "task", id) }

func (s second) Remove(ctx context.Context, id string) error { return s.rt.Remove(ctx, id) }
