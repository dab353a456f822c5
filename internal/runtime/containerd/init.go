package containerd

import (
	"debug/elf"
	"io"

	"github.com/neargate/neargate/internal/runtime/containerd/supervisor"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// The shim's program can also be the first process of a container: see
// supervisor.InitName. It is mounted below /dev, the one directory that is the container's own even
// where the root file system is read-only.
const initPath = "/dev/" + supervisor.InitName

func initMount(executable string) specs.Mount {
	return specs.Mount{Destination: initPath, Type: "bind", Source: executable, Options: []string{"bind", "rprivate", "ro", "nosuid"}}
}

func staticELF(r io.ReaderAt) (bool, error) {
	file, err := elf.NewFile(r)
	if err != nil {
		return false, err
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return false, nil
		}
	}
	return true, nil
}
