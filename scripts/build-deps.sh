#!/bin/sh
# Installs what a build needs and is missing (Debian and Ubuntu), and checks Go.
set -eu
cd "$(dirname "$0")/.."

want=$(awk '/^go / { print $2 }' go.mod)
command -v go >/dev/null || { echo "Go $want or newer is needed: https://go.dev/dl/" >&2; exit 1; }

missing=""
need() { # need COMMAND-OR-FILE PACKAGE
	if command -v "$1" >/dev/null 2>&1 || [ -e "$1" ]; then return; fi
	missing="$missing $2"
}
need gcc gcc
need pkg-config pkg-config
need /usr/include/seccomp.h libseccomp-dev
need /usr/include/stdlib.h libc6-dev
need /etc/ssl/certs/ca-certificates.crt ca-certificates
if [ -n "$missing" ]; then
	[ "$(id -u)" = 0 ] || { echo "missing packages, run: sudo apt-get install$missing" >&2; exit 1; }
	echo "installing$missing"
	apt-get update -qq >/dev/null
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
