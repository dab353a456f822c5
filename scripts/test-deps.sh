#!/bin/sh
# Installs the unmodified clients that the tests drive: Debian packages, and
# Python clients at pinned versions into out/clients.
set -eu
cd "$(dirname "$0")/.."

AWSCLI=1.45.11
SAM=1.164.0
CRANE=0.22.1

missing=""
for pair in skopeo:skopeo busybox:busybox-static docker-credential-ecr-login:amazon-ecr-credential-helper nginx:nginx-light curl:curl ip:iproute2 nft:nftables node:nodejs; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
# Version 2 of the aws CLI, where the distribution has it (Debian, not Ubuntu).
[ -x /usr/bin/aws ] || ! apt-cache show awscli >/dev/null 2>&1 || missing="$missing awscli"
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
	[ "$(id -u)" = 0 ] || { echo "missing packages, run: sudo apt-get install$missing" >&2; exit 1; }
	echo "installing$missing"
	apt-get update -qq >/dev/null
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

venv() { # venv NAME PACKAGE...
	name=$1; shift
	mark="out/clients/$name/installed"
	[ "$(cat "$mark" 2>/dev/null)" = "$*" ] && return
	rm -rf "out/clients/$name"
	echo "installing $*"
	python3 -m venv "out/clients/$name"
	"out/clients/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
	echo "$*" >"$mark"
}
venv aws "awscli==$AWSCLI" "boto3==1.43.11"
venv sam "aws-sam-cli==$SAM"

mark=out/clients/crane/installed
if [ "$(cat "$mark" 2>/dev/null)" != "$CRANE" ]; then
	echo "building crane $CRANE"
	CGO_ENABLED=0 GOBIN="$PWD/out/clients/crane/bin" go install "github.com/google/go-containerregistry/cmd/crane@v$CRANE"
	echo "$CRANE" >"$mark"
fi
