#!/bin/sh
# Runs the benches; `bench/run.sh api` runs one.
set -eu
cd "$(dirname "$0")/.."
mkdir -p out
CGO_ENABLED=0 go build -o out/bench ./bench
exec out/bench "$@"
