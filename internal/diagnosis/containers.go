package diagnosis

const exited = "Essential container in task exited"

var containers = []Entry{
	{"run.exit", "An essential container ended.", exited,
		"Its exit code or signal, and its last log lines.", "In the application; meanwhile, the revision that last worked."},
	{"run.oom", "The container used more memory than it may, and the kernel killed it.", exited + "; container: OutOfMemoryError: Container killed due to memory usage",
		"The kernel's memory limit of the cgroup, and the peak.", "A larger memory, as shown: from the peak that was seen."},
	{"run.no-cmd", "The command of the container is not in the image, or cannot be executed.", "CannotStartContainerError: ... exec: \"...\": ... no such file or directory",
		"What the kernel said when the process was to be started.", "The image's own command, or the right path."},
	{"run.read-only", "The container writes to its root file system, which is read-only.", exited,
		"readonlyRootFilesystem is true, and the log says: Read-only file system.", "readonlyRootFilesystem: false, or a volume for the folder."},
	{"run.bind-localhost", "The application listens on 127.0.0.1, where nobody outside the task reaches it.", "Task failed container health checks, or Target.FailedHealthChecks",
		"The listening sockets in the task's network namespace.", "Listen on 0.0.0.0."},
	{"run.wrong-port", "The application listens on another port than the one in portMappings.", "Task failed container health checks, or Target.FailedHealthChecks",
		"The listening sockets in the task's network namespace.", "The containerPort that it really listens on, or another port of the application."},
	{"run.unhealthy", "The container's health check failed.", "Task failed container health checks",
		"The output of the check.", "What the output says."},
	{"run.dependency", "A container that another one depends on did not get where it should.", "dependency graph: failed to resolve container ordering dependency ...",
		"How the container that was waited for ended.", "Look at that container."},
	{"run.create", "The container could not be made.", "CannotCreateContainerError: ...", "What the runtime said.", "What the error names."},
	{"run.user", "The user of the container does not exist in the image.", "CannotCreateContainerError: ...", "The image's /etc/passwd and /etc/group.", "A numeric user, or one that the image has."},
	{"run.spot-interrupted", "The Spot capacity of the task was taken: SIGTERM, and SIGKILL after the stopTimeout.", "SpotInterruption: Your Spot Task was interrupted.",
		"Somebody used `neargate interrupt`.", "Nothing: a service starts another task. Handle SIGTERM; a base on FARGATE keeps some tasks."},
	{"run.stopped", "The task stopped, for the reason that AWS's text says.", "", "The task's stoppedReason.", "What the text says."},
}
