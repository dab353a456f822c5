package ecs

import (
	"strings"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// taskConnect is the part of a new task of a deployment in Service Connect.
func taskConnect(d *state.Deployment) *state.TaskConnect {
	if d.Connect == nil {
		return nil
	}
	return &state.TaskConnect{
		AttachmentID: ids.UUID(), Container: "ecs-service-connect-" + strings.ToUpper(ids.Hex(5)), ContainerID: ids.UUID(),
		NamespaceID: d.Connect.NamespaceID, Services: d.Connect.Services, Endpoints: d.Endpoints,
	}
}

// The proxy is no container of the runtime, but the API shows it as one, as on AWS.

func describeProxyAttachment(t *state.Task) ecsapi.Attachment {
	status := "ATTACHED"
	switch t.LastStatus {
	case state.TaskProvisioning, state.TaskPending:
		status = "PRECREATED"
	case state.TaskStopped:
		status = "DELETED"
	}
	return ecsapi.Attachment{Id: t.Connect.AttachmentID, Type: "Service Connect", Status: status, Details: []ecsapi.KeyValuePair{{Name: "ContainerName", Value: t.Connect.Container}}}
}

func describeProxy(t *state.Task) ecsapi.Container {
	c := state.Container{Name: t.Connect.Container, ID: t.Connect.ContainerID, LastStatus: "RUNNING", HealthStatus: "HEALTHY", CPU: "0"}
	switch t.LastStatus {
	case state.TaskProvisioning, state.TaskPending:
		c.LastStatus, c.HealthStatus = "PENDING", "UNKNOWN"
	case state.TaskDeprovisioning, state.TaskStopped:
		c.LastStatus, c.HealthStatus = "STOPPED", "UNKNOWN"
	}
	return describeContainer(t, &c)
}
