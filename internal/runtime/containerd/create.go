package containerd

import (
	"context"
	"errors"
	"fmt"
	"os"

	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/continuity/fs"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime"
)

// gcRoot keeps a snapshot from garbage collection before its container's record
// exists; without it a lease would be needed, which costs two more commits.
const gcRoot = "containerd.io/gc.root"

// Create implements runtime.Containers.
func (r *Runtime) Create(ctx context.Context, spec runtime.ContainerSpec) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	if err := r.await(); err != nil {
		return err
	}
	ctx = r.context(ctx)
	defer r.locks.lock("container/" + spec.ID)()
	if _, err := r.record(ctx, spec.ID); !errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	task, err := r.readTask(spec.TaskID)
	if err != nil {
		return err
	}
	image, err := r.findImage(ctx, spec.Image)
	if err != nil {
		return err
	}
	if err := r.records.Remove(spec.ID); err != nil { // of a container of this name that is gone
		return err
	}
	if err := r.makeSnapshot(ctx, spec.ID, image.rootfs); err != nil {
		return fmt.Errorf("making the root file system of %s: %w", spec.ID, err)
	}
	fault.Point("runtime.create.snapshot")
	if err := r.fillVolumes(ctx, spec); err != nil {
		return err
	}
	user, err := r.resolveUser(ctx, image, firstNonEmpty(spec.User, image.Config.User))
	if err != nil {
		return err
	}
	oci, err := buildSpec(r.context(ctx), specInput{
		container: spec, task: task, image: image.Config, user: user, host: r.host,
		cgroup: r.containerGroup(task.ID, spec.ID), cgroups: r.cgroups, taskGroup: r.taskGroup(task.ID),
		initPath: r.executable, pidNS: r.sharedPIDPath(task),
	})
	if err != nil {
		return err
	}
	if err := r.keepSecrets(spec, oci); err != nil {
		return err
	}
	labels := map[string]string{labelTask: task.ID, labelImage: spec.Image, labelLog: spec.LogPath}
	for k, v := range spec.Labels {
		labels[labelPrefix+k] = v
	}
	err = r.addRecord(ctx, containers.Container{
		ID: spec.ID, Labels: labels, Image: image.Digest, Snapshotter: r.snapshotter, SnapshotKey: spec.ID,
	}, oci)
	if err != nil {
		return err
	}
	fault.Point("runtime.create.record")
	if _, err := r.readTask(spec.TaskID); err != nil { // RemoveTask came meanwhile and did not see us
		return errors.Join(err, r.remove(ctx, spec.ID))
	}
	return nil
}

// addRecord completes a container's record and writes it.
func (r *Runtime) addRecord(ctx context.Context, record containers.Container, oci any) (err error) {
	if record.Spec, err = typeurl.MarshalAny(oci); err != nil {
		return err
	}
	record.Runtime.Name = r.shimPath()
	record.Runtime.Options, err = typeurl.MarshalAny(&runcoptions.Options{BinaryName: r.runc, Root: r.paths.runc})
	if err != nil {
		return err
	}
	_, err = r.client.ContainerService().Create(ctx, record)
	if errdefs.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// makeSnapshot makes the writable layer over an image, unless a Create that was
// cut off has made it.
func (r *Runtime) makeSnapshot(ctx context.Context, id, parent string) error {
	service := r.client.SnapshotService(r.snapshotter)
	keep := snapshots.WithLabels(map[string]string{gcRoot: "neargate"})
	_, err := service.Prepare(ctx, id, parent, keep)
	if !errdefs.IsAlreadyExists(err) {
		return err
	}
	info, err := service.Stat(ctx, id)
	if err == nil && info.Parent == parent {
		return nil
	}
	if err := service.Remove(ctx, id); err != nil {
		return err
	}
	_, err = service.Prepare(ctx, id, parent, keep)
	return err
}

// withRootfs mounts a container's root file system for the time of fn.
func (r *Runtime) withRootfs(ctx context.Context, key string, fn func(root string) error) error {
	mounts, err := r.client.SnapshotService(r.snapshotter).Mounts(ctx, key)
	if err != nil {
		return err
	}
	return mount.WithReadonlyTempMount(ctx, mounts, fn)
}

// fillVolumes copies from the image into empty volumes that ask for it.
func (r *Runtime) fillVolumes(ctx context.Context, spec runtime.ContainerSpec) error {
	var fill []runtime.Mount
	for _, m := range spec.Mounts {
		if !m.CopyFromImage {
			continue
		}
		entries, err := os.ReadDir(m.Source)
		if err != nil {
			return fmt.Errorf("%w: volume at %s: %w", runtime.ErrInvalid, m.Target, err)
		}
		if len(entries) == 0 {
			fill = append(fill, m)
		}
	}
	if len(fill) == 0 {
		return nil
	}
	return r.withRootfs(ctx, spec.ID, func(root string) error {
		for _, m := range fill {
			from, err := fs.RootPath(root, m.Target) // links in the image do not lead outside
			if err != nil {
				return err
			}
			info, err := os.Stat(from)
			if errors.Is(err, os.ErrNotExist) || err == nil && !info.IsDir() {
				continue
			}
			if err != nil {
				return err
			}
			if err := fs.CopyDir(m.Source, from); err != nil {
				return fmt.Errorf("filling the volume at %s from the image: %w", m.Target, err)
			}
		}
		return nil
	})
}

func firstNonEmpty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
