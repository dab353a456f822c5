package agent

import (
	"context"
	"crypto/subtle"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/metadata"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

var _ metadata.Source = (*Agent)(nil)

// taskOf finds the task that asks, by its address in its VPC.
func taskOf(tx *store.Tx, c metadata.Caller) (*state.Task, *state.Subnet, error) {
	for t := range state.Tasks.By(tx, "address", c.IP.String()) {
		subnet, ok := state.Subnets.Get(tx, state.Key(t.Account, t.Region, t.Subnet))
		if ok && subnet.VpcID == c.VPC {
			return t, subnet, nil
		}
	}
	return nil, nil, metadata.ErrNotFound
}

// Credentials implements metadata.Source: those of the task role.
func (a *Agent) Credentials(ctx context.Context, c metadata.Caller, id string) (metadata.Credentials, error) {
	t, _, err := taskOf(a.DB.Read(), c)
	if err != nil {
		return metadata.Credentials{}, err
	}
	if t.TaskRoleARN == "" || subtle.ConstantTimeCompare([]byte(id), []byte(t.CredentialsID)) != 1 {
		return metadata.Credentials{}, metadata.ErrNotFound
	}
	creds, err := a.session(ctx, t, t.TaskRoleARN)
	if err != nil {
		return metadata.Credentials{}, err
	}
	return metadata.Credentials{RoleARN: t.TaskRoleARN, AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, Token: creds.SessionToken, Expiration: creds.Expiration}, nil
}

// Task implements metadata.Source.
func (a *Agent) Task(_ context.Context, c metadata.Caller) (metadata.Task, error) {
	tx := a.DB.Read()
	t, subnet, err := taskOf(tx, c)
	if err != nil {
		return metadata.Task{}, err
	}
	d := definitionOf(tx, t)
	cpu, _ := strconv.ParseFloat(t.CPU, 64)
	memory, _ := strconv.ParseInt(t.Memory, 10, 64)
	storage := int64(t.EphemeralGiB)
	if storage == 0 {
		storage = 20
	}
	out := metadata.Task{
		Cluster: state.ECSARN(t.Account, t.Region, "cluster/"+t.Cluster), TaskARN: t.ARN(), Family: d.Family, Revision: strconv.Itoa(d.Revision),
		DesiredStatus: t.DesiredStatus, KnownStatus: t.LastStatus, Limits: &metadata.TaskLimits{CPU: cpu / 1024, Memory: memory},
		PullStartedAt: t.PullStartedAt.UTC(), PullStoppedAt: t.PullStoppedAt.UTC(), ExecutionStoppedAt: t.ExecutionStoppedAt.UTC(),
		AvailabilityZone: t.Zone, AvailabilityZoneID: subnet.AvailabilityZoneID, LaunchType: t.LaunchType, VPCID: subnet.VpcID,
		ClockDrift:       &metadata.ClockDrift{ReferenceTimestamp: time.Now().UTC(), ClockSynchronizationStatus: "SYNCHRONIZED"},
		EphemeralStorage: &metadata.EphemeralStorage{Utilized: a.storageUsed(t), Reserved: storage<<10 + 16}, // as Fargate counts it
	}
	for _, tag := range t.Tags {
		if out.TaskTags == nil {
			out.TaskTags = map[string]string{}
		}
		out.TaskTags[tag.Key] = tag.Value
	}
	network := a.metadataNetwork(t, subnet)
	for i := range t.Containers {
		out.Containers = append(out.Containers, metadataContainer(t, d, i, network))
	}
	return out, nil
}

func metadataContainer(t *state.Task, d *state.TaskDefinition, i int, network metadata.Network) metadata.Container {
	c, id := t.Containers[i], runtimeID(t, i)
	def, _ := d.Container(c.Name)
	out := metadata.Container{
		DockerID: id, Name: c.Name, DockerName: c.Name, Image: c.Image, ImageID: c.ImageDigest,
		Labels: map[string]string{
			"com.amazonaws.ecs.cluster": state.ECSARN(t.Account, t.Region, "cluster/"+t.Cluster), "com.amazonaws.ecs.container-name": c.Name, "com.amazonaws.ecs.task-arn": t.ARN(),
			"com.amazonaws.ecs.task-definition-family": d.Family, "com.amazonaws.ecs.task-definition-version": strconv.Itoa(d.Revision),
		},
		DesiredStatus: t.DesiredStatus, KnownStatus: c.LastStatus, Limits: metadata.ContainerLimits{CPU: int64(max(def.CPU, 2))},
		CreatedAt: t.PullStoppedAt.UTC(), StartedAt: c.StartedAt.UTC(), FinishedAt: c.FinishedAt.UTC(), Type: "NORMAL",
		ContainerARN: state.ECSARN(t.Account, t.Region, "container/"+t.Cluster+"/"+t.ID+"/"+c.ID), Snapshotter: "overlayfs",
		Networks: []metadata.Network{network},
	}
	if def.Restart != nil && def.Restart.Enabled {
		restarts := int(c.RestartCount)
		out.RestartCount = &restarts
	}
	for k, v := range def.DockerLabels {
		out.Labels[k] = v
	}
	if def.Memory != nil {
		out.Limits.Memory = int64(*def.Memory)
	}
	if c.ExitCode != nil {
		code := int(*c.ExitCode)
		out.ExitCode = &code
	}
	if def.Log != nil {
		out.LogDriver, out.LogOptions = def.Log.Driver, map[string]string{"awslogs-stream": stream(t, def)}
		for _, name := range []string{"awslogs-group", "awslogs-region"} {
			out.LogOptions[name] = def.Log.Options[name]
		}
	}
	if hasCheck(def) {
		out.Health = &metadata.Health{Status: c.HealthStatus, Since: c.HealthSince.UTC(), Output: c.HealthOutput}
	}
	for _, p := range def.PortMappings {
		if p.ContainerPort != nil {
			out.Ports = append(out.Ports, metadata.Port{ContainerPort: int(*p.ContainerPort), Protocol: p.Protocol})
		}
	}
	for _, m := range def.MountPoints {
		out.Volumes = append(out.Volumes, metadata.Volume{DockerName: m.SourceVolume, Destination: m.ContainerPath})
	}
	return out
}

func (a *Agent) metadataNetwork(t *state.Task, subnet *state.Subnet) metadata.Network {
	index := 0
	out := metadata.Network{NetworkMode: "awsvpc", IPv4Addresses: []string{t.Interface.PrivateIP}, AttachmentIndex: &index, MACAddress: t.Interface.MAC,
		IPv4SubnetCIDRBlock: subnet.CIDRBlock, PrivateDNSName: t.Interface.PrivateDNS}
	if t.Interface.IPv6 != "" {
		out.IPv6Addresses, out.IPv6SubnetCIDRBlock = []string{t.Interface.IPv6}, subnet.IPv6CIDR.CIDRBlock
	}
	l := a.of(t)
	l.making.Lock()
	face := l.face
	l.making.Unlock()
	if face == nil { // after a restart, until a step asks for it
		return out
	}
	for _, server := range face.DNSServers {
		out.DomainNameServers = append(out.DomainNameServers, server.String())
	}
	if face.SearchDomain != "" {
		out.DomainNameSearchList = []string{face.SearchDomain}
	}
	if face.SubnetCIDR.IsValid() {
		out.SubnetGateway = face.Gateway.String() + "/" + strconv.Itoa(face.SubnetCIDR.Bits())
	}
	return out
}

// storageUsed is what the task's volumes and logs take, in MiB.
func (a *Agent) storageUsed(t *state.Task) int64 {
	total := int64(0)
	for _, dir := range []string{"volumes", "logs"} {
		total += diskUsage(filepath.Join(a.dir(t), dir))
	}
	return int64(math.Ceil(float64(total) / (1 << 20)))
}

// name of the only interface of a Fargate task, in statistics.
const statsInterface = "eth1"

// Stats implements metadata.Source.
func (a *Agent) Stats(ctx context.Context, c metadata.Caller) (map[string]*metadata.Stats, error) {
	t, _, err := taskOf(a.DB.Read(), c)
	if err != nil {
		return nil, err
	}
	out := map[string]*metadata.Stats{}
	for i, con := range t.Containers {
		id := runtimeID(t, i)
		out[id] = nil
		now, err := a.Runtime.Stats(ctx, id)
		if err != nil {
			continue // it does not run
		}
		l := a.of(t)
		l.mu.Lock()
		before := l.statSample[con.Name]
		l.statSample[con.Name] = now
		l.mu.Unlock()
		stats := &metadata.Stats{Read: now.At.UTC(), PreRead: before.At.UTC(), Name: con.Name, ID: id,
			CPU: cpuStats(now.CPU), PreCPU: cpuStats(before.CPU),
			Memory: metadata.MemoryStats{Usage: now.Memory, MaxUsage: now.MemoryPeak, Limit: limit(now.MemoryLimit, t.Memory)},
			PIDs:   metadata.PIDsStats{Current: now.PIDs}}
		if seen, err := a.Runtime.Inspect(ctx, id); err == nil && seen.PID > 0 {
			if counters, ok := interfaceCounters(seen.PID); ok {
				stats.Networks = map[string]metadata.NetworkStats{statsInterface: counters}
			}
		}
		out[id] = stats
	}
	return out, nil
}

func limit(own uint64, task string) uint64 {
	if own > 0 {
		return own
	}
	mib, _ := strconv.ParseUint(strings.TrimSpace(task), 10, 64)
	return mib << 20
}
