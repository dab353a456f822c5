// Package runtime has what RunTask is measured beside: our container runtime
// alone, a peer (containerd's API with a daemon of its own) and the floor (plain
// runc). The bench uses it.
package runtime

import (
	"context"

	"github.com/neargate/neargate/internal/image"
)

// Contender makes a container, returns when its process runs, and removes it again.
type Contender interface {
	Name() string
	Start(ctx context.Context, id string) error
	Remove(ctx context.Context, id string) error
	Close() error
}

// Busybox writes the layout of the image that all contenders run: "sleep 600".
func Busybox(layout string) error {
	_, err := image.Build(layout, image.Spec{
		Name:   "docker.io/library/bench:latest",
		Layers: [][]image.File{{{Path: "/bin/busybox", Source: "/bin/busybox"}, {Path: "/etc/passwd", Content: []byte("root:x:0:0::/:/bin/sh\n")}}},
		Cmd:    []string{"/bin/busybox", "sleep", "600"},
	})
	return err
}
