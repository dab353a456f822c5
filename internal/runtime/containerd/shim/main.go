// Command shim is nothing but the roles that our binary takes on for the
// runtime: supervisor of a task's containers, and first process in a container.
// Tests use it where their own binary, which links against libc, cannot serve.
package main

import (
	"fmt"
	"os"

	"github.com/neargate/neargate/internal/runtime/containerd/supervisor"
)

func main() {
	supervisor.Main()
	fmt.Fprintln(os.Stderr, "this program is started by Neargate")
	os.Exit(2)
}
