#!/bin/sh
# Runs the checks and tests. "quick" leaves out what needs root or clients.
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

echo "== gofmt"
unformatted=$(gofmt -l cmd internal bench e2e 2>/dev/null || true)
[ -z "$unformatted" ] || { echo "not formatted: $unformatted" >&2; exit 1; }
echo "== vet"
go vet ./...
echo "== staticcheck"
go tool staticcheck ./...

if [ "${1:-}" = quick ]; then
	go test -short ./internal/...
	exit
fi
echo "== race detector, where goroutines meet"
CGO_ENABLED=1 go test -race -count=1 $(printf './internal/%s ' access blob decision dns ecs ecs/agent/awslogs ecs/deployment ecs/insights edge gateway kms loadbalancer loadbalancer/health \
	logs logstore loopback metadata reconcile registry secretsmanager store)
echo "== tests"
PATH="$PWD/bin:$PATH" go test -count=1 -timeout 40m ./...
