package main

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
	*containerd.Runtime
	image string
	log   string
}

func openOurs(ctx context.Context, dir, layout string) (contender, error) {
	r, err := containerd.Open(ctx, containerd.Options{DataDir: dir + "/ours", Instance: "b-" + ids.Hex(8)})
	if err != nil {
		return nil, err
	}
	o := &ours{Runtime: r, log: dir + "/log"}
	archive, err := image.Open(layout)
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	defer archive.Close()
	known, err := r.EnsureImage(ctx, runtime.ImageSource{Target: archive.Images[0].Target, Fetch: archive.Blob})
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	o.image = known.Digest
	return o, nil
}

func (o *ours) name() string { return "neargate, task and container" }

func (o *ours) start(ctx context.Context, id string) error {
	if err := o.EnsureTask(ctx, runtime.TaskSpec{ID: id, CPU: 1024, Memory: 256 << 20}); err != nil {
		return err
	}
	return o.container(ctx, id, id)
}

func (o *ours) container(ctx context.Context, task, id string) error {
	spec := runtime.ContainerSpec{ID: id, TaskID: task, Image: o.image, LogPath: o.log, MemoryLimit: 64 << 20}
	if err := o.Create(ctx, spec); err != nil {
		return err
	}
	return o.Start(ctx, id)
}

func (o *ours) remove(ctx context.Context, id string) error { return o.RemoveTask(ctx, id) }

func (o *ours) close() error { return o.Purge(context.Background(), true) }

// second measures one more container in a task that runs, that is without the
// start of a shim.
type second struct{ *ours }

func openSecond(ctx context.Context, dir, layout string) (contender, error) {
	c, err := openOurs(ctx, dir+"/second", layout)
	if err != nil {
		return nil, err
	}
	s := second{c.(*ours)}
	return s, s.ours.start(ctx, "task")
}

func (s second) name() string { return "neargate, second container" }

func (s second) start(ctx context.Context, id string) error { return s.container(ctx, "task", id) }

func (s second) remove(ctx context.Context, id string) error { return s.Remove(ctx, id) }
