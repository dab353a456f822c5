package containerd

import (
	"context"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/typeurl/v2"
	"github.com/neargate/neargate/internal/runtime"
)

// Watch implements runtime.Containers.
func (r *Runtime) Watch(ctx context.Context, notify func(runtime.Event)) error {
	ctx = r.context(ctx)
	for {
		envelopes, errs := r.client.EventService().Subscribe(ctx,
			`namespace==`+namespace+`,topic~="^/tasks/(start|exit|oom)$"`,
			`namespace==`+namespace+`,topic=="/containers/delete"`)
		notify(runtime.Event{Kind: runtime.Resync})
		forward(ctx, envelopes, errs, notify)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond): // the stream broke: subscribe again
		}
	}
}

// forward passes events on until the stream breaks.
func forward(ctx context.Context, envelopes <-chan *events.Envelope, errs <-chan error, notify func(runtime.Event)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-errs:
			return
		case envelope := <-envelopes:
			if event, ok := eventOf(envelope); ok && !isHidden(event.ContainerID) {
				notify(event)
			}
		}
	}
}

func eventOf(envelope *events.Envelope) (runtime.Event, bool) {
	if envelope == nil {
		return runtime.Event{}, false
	}
	decoded, err := typeurl.UnmarshalAny(envelope.Event)
	if err != nil {
		return runtime.Event{}, false
	}
	switch e := decoded.(type) {
	case *eventsapi.TaskStart:
		return runtime.Event{Kind: runtime.Started, ContainerID: e.ContainerID}, true
	case *eventsapi.TaskOOM:
		return runtime.Event{Kind: runtime.OOM, ContainerID: e.ContainerID}, true
	case *eventsapi.TaskExit:
		return runtime.Event{Kind: runtime.Exited, ContainerID: e.ContainerID}, e.ID == e.ContainerID
	case *eventsapi.ContainerDelete:
		return runtime.Event{Kind: runtime.Removed, ContainerID: e.ID}, true
	}
	return runtime.Event{}, false
}
