package e2e

import (
	"os/exec"
	"testing"

	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/testenv"
)

// nginxArchive builds an OCI archive of Debian's nginx. It answers every path with
// the variable BUILD, but "/missing" with 404.
func nginxArchive(t *testing.T, dir string) string {
	t.Helper()
	l := layerOf(t, program(t, "nginx"))
	l.add("/bin/busybox", program(t, "busybox"))
	files := append(l.list(),
		image.File{Path: "/bin/sh", Link: "busybox"},
		image.File{Path: "/etc/passwd", Content: []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")},
		image.File{Path: "/etc/group", Content: []byte("root:x:0:\nnogroup:x:65534:\n")},
		image.File{Path: "/tmp", Dir: true, Mode: 0o1777}, image.File{Path: "/var/lib/nginx", Dir: true, Mode: 0o755}, image.File{Path: "/var/log/nginx", Dir: true, Mode: 0o755},
		image.File{Path: "/start", Mode: 0o755, Content: []byte(nginxStart)},
	)
	return archive(t, dir, image.Spec{Layers: [][]image.File{files}, Entrypoint: []string{"/start"}, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}})
}

// program is the path of a program of this machine.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		testenv.Missing(t, name)
	}
	return path
}

const nginxStart = `#!/bin/busybox sh
cat() { busybox cat "$@"; }
cat > /tmp/nginx.conf <<END
daemon off;
pid /tmp/nginx.pid;
error_log /dev/stderr;
events {}
http {
  access_log off;
  server {
    listen 80;
    location / { return 200 "build $BUILD\n"; }
    location /missing { return 404; }
  }
}
END
exec nginx -c /tmp/nginx.conf
`
