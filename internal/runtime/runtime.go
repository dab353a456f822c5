package runtime

import (
	"context"
	"syscall"
)

// Runtime runs containers. Its methods may be called from many goroutines at
// once, also for the same container; a context that ends stops the waiting, and
// what was begun may or may not have happened.
type Runtime interface {
	Images
	Tasks
	Containers
}

// Images keeps images ready to run. An image is known from the first
// successful EnsureImage until RemoveImage, whether or not a container uses it.
type Images interface {
	// EnsureImage makes the image ready to run: copies the blobs that are not
	// here yet, checks their digests and unpacks the layers. When the image is
	// known already, Fetch is not called at all. Errors: *PlatformError when no
	// manifest of an index fits, *FetchError when Fetch gave an error or not the
	// bytes that the digest promises.
	EnsureImage(ctx context.Context, source ImageSource) (Image, error)
	// Image returns a known image by the digest that EnsureImage was given, or by
	// that of its platform's manifest. Error: ErrNotFound.
	Image(ctx context.Context, digest string) (Image, error)
	// Images returns all known images, ordered by digest.
	Images(ctx context.Context) ([]Image, error)
	// RemoveImage forgets an image; its blobs and layers go when no container
	// needs them. Removing an unknown image is success.
	RemoveImage(ctx context.Context, digest string) error
}

// Tasks groups containers.
type Tasks interface {
	// EnsureTask makes the task's cgroup with its limits. Repeating it with other
	// limits changes them; the rest of a task's spec is fixed once it has a
	// container. Error: ErrInvalid.
	EnsureTask(ctx context.Context, spec TaskSpec) error
	// RemoveTask removes the task, its cgroup and every container that is left in
	// it, killing what runs. Removing an unknown task is success.
	RemoveTask(ctx context.Context, id string) error
	// Tasks returns the ids of all tasks, in order.
	Tasks(ctx context.Context) ([]string, error)
}

// Containers runs processes.
type Containers interface {
	// Create makes a container's root file system and remembers its spec; no
	// process runs yet. Creating a container that exists is success, and its first
	// spec stays. Errors: ErrNotFound when image or task are unknown,
	// ErrInvalid, *UserError.
	Create(ctx context.Context, spec ContainerSpec) error
	// Start runs the container's process. Starting a container that runs or has
	// run is success: a container runs once. Errors: ErrNotFound, *StartError
	// when the process could not be started (no such executable, mount refused).
	Start(ctx context.Context, id string) error
	// Restart runs the process of a container that has ended once more, on the
	// root file system that it left; n says for the how manieth time. Restarting
	// one that was restarted n times is as Start. Errors: as Start.
	Restart(ctx context.Context, id string, n int) error
	// Signal sends a signal to the container's first process; SIGKILL ends all its
	// processes. Signalling one that has ended or never started is success.
	// Error: ErrNotFound.
	Signal(ctx context.Context, id string, signal syscall.Signal) error
	// Exec runs one more process in a running container and waits for it to end.
	// Errors: ErrNotFound, ErrNotRunning, *StartError, and the context's error
	// (the process is killed then).
	Exec(ctx context.Context, id string, spec ExecSpec) (ExecResult, error)
	// Remove ends the container if it runs, and forgets it with its root file
	// system and its exit record. Its log file stays. Removing an unknown
	// container is success.
	Remove(ctx context.Context, id string) error
	// Inspect says how a container is. Error: ErrNotFound.
	Inspect(ctx context.Context, id string) (Container, error)
	// List returns the containers that carry all the labels given, ordered by id.
	List(ctx context.Context, labels map[string]string) ([]Container, error)
	// Stats measures a running container. Errors: ErrNotFound, ErrNotRunning.
	Stats(ctx context.Context, id string) (Stats, error)
	// Watch calls notify, one call at a time, for every change until ctx ends,
	// and returns the context's error. It begins with one event Resync, after
	// which nothing is missed: the caller then Lists, and acts on events as hints.
	// Resync comes again whenever events may have been lost.
	Watch(ctx context.Context, notify func(Event)) error
}
