package agent

import (
	"context"
	"errors"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/state"
)

// coded is an error of an AWS API.
type coded interface{ ErrorCode() string }

// provision makes the network interface of the task.
func (a *Agent) provision(ctx context.Context, t *state.Task) (time.Duration, error) {
	fault.Point("agent.eni.before")
	face, err := a.face(ctx, t)
	if err != nil {
		return 0, a.noInterface(ctx, t, err)
	}
	fault.Point("agent.eni.after")
	return 0, a.update(ctx, t, func(r *state.Task) {
		r.Interface.Status, r.Interface.ID, r.Interface.MAC = "ATTACHED", face.ID, face.MAC
		r.Interface.PrivateIP, r.Interface.PrivateDNS = face.IP.String(), face.PrivateDNSName
		if face.IPv6.IsValid() {
			r.Interface.IPv6 = face.IPv6.String()
		}
		r.Connectivity, r.ConnectivityAt = "CONNECTED", time.Now()
		r.LastStatus = state.TaskPending
	})
}

// face returns the task's interface, which it makes if need be.
func (a *Agent) face(ctx context.Context, t *state.Task) (*Interface, error) {
	face, _, err := a.network(ctx, t)
	return face, err
}

// client returns the HTTP client in the task's network namespace.
func (a *Agent) client(ctx context.Context, t *state.Task) (*client, error) {
	_, c, err := a.network(ctx, t)
	return c, err
}

func (a *Agent) network(ctx context.Context, t *state.Task) (*Interface, *client, error) {
	l := a.of(t)
	l.making.Lock()
	defer l.making.Unlock()
	if l.face != nil {
		return l.face, l.client, nil
	}
	face, err := a.Interfaces.EnsureInterface(ctx, InterfaceSpec{
		Account: t.Account, Region: t.Region, Name: "ecs/" + t.ID, TaskID: t.ID,
		Description: state.ECSARN(t.Account, t.Region, "attachment/"+t.Interface.AttachmentID),
		SubnetID:    t.Subnet, SecurityGroups: t.SecurityGroups, AssignPublicIP: t.AssignPublicIP, AssignIPv6: t.AssignIPv6,
	})
	if err != nil {
		return nil, nil, err
	}
	l.face, l.client = &face, a.newClient(a.Dial(face.ID))
	return l.face, l.client, nil
}

// noInterface is the failure of a task without an interface, or the error to try
// again after.
func (a *Agent) noInterface(_ context.Context, t *state.Task, err error) error {
	d := decision.Decision{Phase: decision.ENI, Verdict: decision.Error, Where: t.Subnet, Resource: t.Subnet, Cause: "the network interface of the task could not be made: " + err.Error(), Confidence: decision.Observed}
	var api coded
	switch {
	case errors.As(err, &api):
		reason := textENI(t.AssignPublicIP, t.Subnet, api.ErrorCode())
		if d.Code = "net.interface"; api.ErrorCode() == "InsufficientFreeAddressesInSubnet" {
			d.Code = "net.subnet-full"
		}
		d.AWSMessage = reason
		return &failure{reason: reason, decision: d}
	case time.Since(t.CreatedAt) > a.Pace.ENITimeout:
		d.Code, d.AWSMessage = "net.interface", textENITimeout
		return &failure{reason: textENITimeout, decision: d}
	}
	return err
}
