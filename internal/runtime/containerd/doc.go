// Package containerd runs containers with a containerd inside our own process.
//
// It is the implementation of package runtime that we ship: containerd 2.4 as a
// library, its shim as a small program that our binary carries, and runc, built in. There
// is no daemon beside ours and no Docker. The ECS agent uses it through package
// runtime; only the wiring of cmd/neargate knows this package.
//
// # The processes
//
//	neargate up            containerd's services, called directly (server.go)
//	 └ neargate-shim       one per task: parent of its containers, holds their
//	    │                  output, reports exits (package supervisor)
//	    ├ runc create ...  short-lived, sets up namespaces and cgroups
//	    └ the container's first process
//
// A build without the embedded shim takes on its roles itself: main calls ShimMain
// before anything else, and a process that was started as a shim, or inside a
// container as its init, never comes back from there.
//
// # What outlives what
//
// The shims are no children of ours in any way that matters: when we are killed,
// containers go on, and so does their output, which the shim appends to the log
// file by itself. Open finds them again. Containerd however forgets a container
// that ends while it is not there. Therefore the shim, being ours, writes how a
// container started and ended to a small file (supervisor.Records) before it reports it,
// and Inspect believes that file first. After a crash of the machine there is
// neither process nor record of an end: ExitUnknown.
//
// A container runs once. What Start finds decides what it does: an end or a
// running process is success, a process that runc has created but not started is
// started, nothing at all is a new start.
//
// # Places
//
//	<data>/containerd/root        content, layers, containerd's database
//	<data>/containerd/records     ID.start, ID.exit, ID.oom
//	<data>/containerd/tasks       one TaskSpec per file
//	<data>/containerd/lock        held while an instance is open
//	<data>/containerd/shim.log    warnings of the shims
//	<data>/bin                    the shim's name (a link), runc and shim by version
//	/run/neargate/<instance>      sockets and bundles: gone with the machine's restart, as
//	                              are the processes they belong to; short enough for sockets
//	<cgroups>/neargate-<instance>/<task>/<container>
//
// Every name on the host carries the instance's id, so instances run beside each
// other, beside a system's containerd, and tests beside all of them.
//
// # Images
//
// A blob is copied once into containerd's content store and a layer is unpacked
// once into an overlayfs snapshot. Containerd's record of an image is written
// last, has the digest as its name, and keeps all of it from garbage collection.
// Only the manifest of the host's platform is fetched from an index.
//
// # Limits
//
// The task's cgroup carries the task's ceilings and the containers' groups lie
// below it. We write to the cgroup file system ourselves (cgroup.go; both v1,
// also hybrid, and v2) and tell runc the path, which is its "cgroupfs" way; with
// systemd our own unit needs Delegate=yes and KillMode=process. Ulimits are
// clamped to what the host allows. Memory limits include swap where the kernel
// counts it: as on Fargate there is none.
//
// # Security
//
// Docker's defaults: its capabilities (none are effective for other users than
// root), the default seccomp profile, masked paths, private namespaces. There is
// no privileged mode. Sysctls outside the container's namespaces are refused.
//
// # Traps
//
//   - The shim starts itself once more under its executable's real name: the role
//     travels in the environment, not in argv[0] (ShimMain).
//   - In the shim, containerd's plugin registry is emptied first, or each shim
//     would start all of containerd.
//   - A second process that opens the same database would block: our lock comes first.
//   - The event of an exit and that of an OOM kill come in any order. The record of
//     the exit has the kernel's count of OOM kills, read at that moment.
//   - A log file must have two names for the shim (output.go), or stderr loses lines.
//   - The pipe of an Exec stays open as long as anything that it started holds it:
//     after the end of the process, output is awaited for one second.
//   - Close leaves everything running. Purge ends it all; Sweep does so without
//     containerd, after a crash.
package containerd
