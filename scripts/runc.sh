#!/bin/sh
# Builds the static runc that our binary carries, from the module proxy, into
# internal/runtime/containerd/embedded/runc.gz (not in git). Does nothing when
# the same version is there. Needs Go, gcc and libseccomp-dev.
set -eu

version=v1.5.1

cd "$(dirname "$0")/../internal/runtime/containerd/embedded"
if [ -s runc.gz ] && [ "$(cat runc.version 2>/dev/null)" = "$version" ]; then
	exit 0
fi
command -v gcc >/dev/null || { echo "runc.sh: gcc is missing (apt-get install gcc)" >&2; exit 1; }
echo '#include <seccomp.h>' | gcc -E - >/dev/null 2>&1 ||
	{ echo "runc.sh: libseccomp is missing (apt-get install libseccomp-dev)" >&2; exit 1; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
GOBIN="$tmp" CGO_ENABLED=1 go install -trimpath -tags 'netgo osusergo seccomp' \
	-ldflags '-s -w -extldflags "-static"' "github.com/opencontainers/runc@$version"
"$tmp/runc" --version
gzip -9 -n -c "$tmp/runc" >"$tmp/runc.gz"
mv "$tmp/runc.gz" runc.gz
echo "$version" >runc.version
