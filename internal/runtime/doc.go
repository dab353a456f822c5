// Package runtime says what Neargate asks of the thing that runs containers.
//
// It knows images, tasks and containers, and nothing of AWS: an image is named
// by the digest of its manifest, a task is a group of containers below one
// cgroup and in one network namespace, a container is a process tree with its
// own root file system. The ECS agent is the only caller of consequence.
//
// Every verb is idempotent. The caller writes down what it is about to do,
// does it, and may be killed in between; after a restart it does the same again
// and gets success where the work had been done already. Nothing here is lost
// with the caller's process: containers keep running, and how a container ended
// can be asked for until it is removed, also when it ended while nobody looked.
//
// Package runtime/containerd is the implementation that we ship, package
// runtime/runtimetest has the suite of laws that every implementation passes
// and a fake for tests. This package imports nothing of ours.
package runtime
