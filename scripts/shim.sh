#!/bin/sh
# Builds the small program that runs beside containers and that our binary
# carries, into internal/runtime/containerd/embedded/shim.gz (not in git).
set -eu

cd "$(dirname "$0")/.."
out=internal/runtime/containerd/embedded/shim.gz
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$tmp/shim" ./internal/runtime/containerd/shim
gzip -n -c "$tmp/shim" >"$tmp/shim.gz"
cmp -s "$tmp/shim.gz" "$out" || mv "$tmp/shim.gz" "$out"
