package ecs

import "runtime"

// architecture is the CPU architecture of tasks, in AWS's name: that of the host.
var architecture = map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
