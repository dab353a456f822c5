package supervisor

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/ttrpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// finishing is the shim's task service, but what it has begun it brings to its
// end although the daemon that asked is gone. A request ends with its
// connection otherwise, and runc with it: a `runc start` that is killed after it
// has let the process go, and before it has noted so, leaves a container that
// runs and passes for created for ever; the next start would wait for a process
// that no longer waits.
type finishing struct {
	taskapi.TTRPCTaskService
	outputs *outputs
}

// RegisterTTRPC is how the shim finds its services.
func (f finishing) RegisterTTRPC(server *ttrpc.Server) error {
	taskapi.RegisterTTRPCTaskService(server, f)
	return nil
}

func (f finishing) Start(ctx context.Context, r *taskapi.StartRequest) (*taskapi.StartResponse, error) {
	return f.TTRPCTaskService.Start(context.WithoutCancel(ctx), r)
}

func (f finishing) Kill(ctx context.Context, r *taskapi.KillRequest) (*emptypb.Empty, error) {
	return f.TTRPCTaskService.Kill(context.WithoutCancel(ctx), r)
}

func (f finishing) Delete(ctx context.Context, r *taskapi.DeleteRequest) (*taskapi.DeleteResponse, error) {
	return f.TTRPCTaskService.Delete(context.WithoutCancel(ctx), r)
}
