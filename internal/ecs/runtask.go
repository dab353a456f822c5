package ecs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// RunTask starts up to ten tasks of a task definition.
func (s *Service) RunTask(ctx context.Context, in *ecsapi.RunTaskRequest) (*ecsapi.RunTaskResponse, error) {
	c := scopeOf(ctx)
	if err := checkRunTask(ctx, in); err != nil {
		return nil, err
	}
	if err := s.mayPassDefinition(ctx, in.TaskDefinition, in.Overrides); err != nil {
		return nil, err
	}
	tasks, err := s.prepareTasks(c, s.DB.Read(), in)
	if err != nil {
		return nil, err
	}
	first := tasks[0]
	if role := s.assumable(ctx, c, first.ARN(), first.ExecutionRoleARN, first.TaskRoleARN); role != "" {
		s.recordTrust(ctx, c, role, []string{first.Cluster})
		return nil, clientError("%s", roleProblem(role))
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := c.cluster(tx, in.Cluster); err != nil { // it may be gone meanwhile
			return err
		}
		same, err := s.sameRun(tx, c, in, tasks)
		if err != nil || same != nil {
			tasks = same
			return err
		}
		for _, t := range tasks {
			state.Tasks.Put(tx, t)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &ecsapi.RunTaskResponse{Tasks: []ecsapi.Task{}, Failures: []ecsapi.Failure{}}
	for _, t := range tasks {
		out.Tasks = append(out.Tasks, describeTask(t, true))
	}
	return out, nil
}

func checkRunTask(ctx context.Context, in *ecsapi.RunTaskRequest) error {
	count := int32(1)
	if in.Count != nil {
		count = *in.Count
	}
	switch {
	case count < 1 || count > 10:
		return invalid("count should be between 1 and 10.")
	case in.EnableExecuteCommand:
		return unsupported("enableExecuteCommand")
	case len(in.VolumeConfigurations) > 0:
		return unsupported("volumeConfigurations (Amazon EBS)")
	case len(in.PlacementConstraints) > 0:
		return invalid("Placement constraints are not supported with FARGATE launch type.")
	case len(in.PlacementStrategy) > 0:
		return invalid("Placement strategies are not supported with FARGATE launch type.")
	case strings.HasPrefix(in.Group, "service:"):
		return invalid("The group name 'service:' is reserved for services.")
	case len(in.StartedBy) > 128:
		return invalid("startedBy has at most 128 characters.")
	case len(in.ClientToken) > 64:
		return invalid("clientToken has at most 64 characters.")
	}
	return checkTags(ctx, in.Tags)
}

// prepareTasks makes the records of the tasks that the request asks for.
func (s *Service) prepareTasks(c scope, tx *store.Tx, in *ecsapi.RunTaskRequest) ([]*state.Task, error) {
	cluster, err := c.cluster(tx, in.Cluster)
	if err != nil {
		return nil, err
	}
	d := c.taskDefinition(tx, in.TaskDefinition)
	if d == nil {
		return nil, clientError("TaskDefinition not found.")
	}
	if d.Status != "ACTIVE" {
		return nil, clientError("TaskDefinition is inactive")
	}
	spec, err := c.launchSpec(tx, cluster, d, in.LaunchType, in.CapacityProviderStrategy, in.PlatformVersion, in.NetworkConfiguration)
	if err != nil {
		return nil, err
	}
	count := 1
	if in.Count != nil {
		count = int(*in.Count)
	}
	tasks, err := s.newTasks(tx, cluster, d, spec, nil, count)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		t.StartedBy, t.Tags = in.StartedBy, toTags(in.Tags)
		if in.Group != "" {
			t.Group = in.Group
		}
		if in.PropagateTags == ecsapi.PropagateTagsTaskDefinition {
			t.Tags = state.WithTags(d.Tags, t.Tags)
		} else if in.PropagateTags == ecsapi.PropagateTagsService {
			return nil, invalid("Tag propagation from a service is not supported for RunTask.")
		}
		if in.EnableECSManagedTags {
			t.Tags = state.WithTags(t.Tags, []state.Tag{{Key: "aws:ecs:clusterName", Value: cluster.Name}})
		}
		if err := override(t, d, in.Overrides); err != nil {
			return nil, err
		}
	}
	return tasks, nil
}

// sameRun implements the client token: it returns the tasks of an earlier, equal
// call, remembers this one, or refuses another call with the same token.
func (s *Service) sameRun(tx *store.Tx, c scope, in *ecsapi.RunTaskRequest, tasks []*state.Task) ([]*state.Task, error) {
	if in.ClientToken == "" {
		return nil, nil
	}
	digest := requestDigest(in)
	have, ok := state.RunTokens.Get(tx, c.key(in.ClientToken))
	if !ok {
		token := &state.RunToken{Account: c.Account, Region: c.Region, Token: in.ClientToken, Request: digest, At: s.Now()}
		for _, t := range tasks {
			token.Tasks = append(token.Tasks, t.Key())
		}
		state.RunTokens.Put(tx, token)
		return nil, nil
	}
	if have.Request != digest {
		return nil, &ecsapi.ConflictException{Message: "The client token was used with other parameters.", ResourceIds: have.Tasks}
	}
	same := []*state.Task{}
	for _, key := range have.Tasks {
		if t, ok := state.Tasks.Get(tx, key); ok {
			same = append(same, t)
		}
	}
	return same, nil
}

// requestDigest stands for the parameters of a request.
func requestDigest(in any) string {
	raw, _ := json.Marshal(in) // shapes of the model: plain values that always encode
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// StopTask asks for a task to be stopped and returns at once.
func (s *Service) StopTask(ctx context.Context, in *ecsapi.StopTaskRequest) (*ecsapi.StopTaskResponse, error) {
	c := scopeOf(ctx)
	reason := in.Reason
	if reason == "" {
		reason = "Task stopped by user"
	}
	if len(reason) > 1024 {
		return nil, invalid("reason has at most 1024 characters.")
	}
	var out ecsapi.Task
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		cluster, err := c.cluster(tx, in.Cluster)
		if err != nil {
			return err
		}
		key := c.key(cluster.Name + "/" + resourceName("task", in.Task))
		if _, ok := state.Tasks.Get(tx, key); !ok {
			return invalid("The referenced task was not found.")
		}
		state.StopTask(tx, key, "UserInitiated", reason, s.Now())
		t, _ := state.Tasks.Get(tx, key)
		out = describeTask(t, false)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecsapi.StopTaskResponse{Task: &out}, nil
}

// ListTasks lists the ARNs of tasks by what is wanted of them, RUNNING unless asked otherwise.
func (s *Service) ListTasks(ctx context.Context, in *ecsapi.ListTasksRequest) (*ecsapi.ListTasksResponse, error) {
	c, tx := scopeOf(ctx), s.DB.Read()
	cluster, err := c.cluster(tx, in.Cluster)
	if err != nil {
		return nil, err
	}
	service := resourceName("service", in.ServiceName)
	if service != "" {
		if _, ok := state.Services.Get(tx, c.key(cluster.Name+"/"+service)); !ok {
			return nil, serviceNotFound()
		}
	}
	desired := string(in.DesiredStatus)
	if desired == "" {
		desired = "RUNNING"
	}
	var arns []string
	for t := range state.Tasks.All(tx, c.key(cluster.Name+"/")) {
		family, _ := c.familyAndRevision(t.TaskDefinition)
		if t.DesiredStatus == desired && (service == "" || t.Service == service) && (in.StartedBy == "" || t.StartedBy == in.StartedBy) &&
			(in.Family == "" || in.Family == family) && (in.LaunchType == "" || string(in.LaunchType) == t.LaunchType) &&
			in.ContainerInstance == "" && in.DaemonName == "" {
			arns = append(arns, t.ARN())
		}
	}
	arns, next, err := page(arns, in.NextToken, in.MaxResults, 100, 100, false)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListTasksResponse{TaskArns: arns, NextToken: next}, nil
}

// DescribeTasks describes tasks; what is not there is in failures.
func (s *Service) DescribeTasks(ctx context.Context, in *ecsapi.DescribeTasksRequest) (*ecsapi.DescribeTasksResponse, error) {
	c := scopeOf(ctx)
	cluster, err := c.cluster(s.DB.Read(), in.Cluster)
	switch {
	case err != nil:
		return nil, err
	case len(in.Tasks) == 0:
		return nil, invalid("Tasks cannot be empty.")
	case len(in.Tasks) > 100:
		return nil, invalid("tasks can have at most 100 items.")
	}
	s.holdTasks(ctx, in.Tasks, cluster.Name)
	tx := s.DB.Read()
	out := &ecsapi.DescribeTasksResponse{Tasks: []ecsapi.Task{}, Failures: []ecsapi.Failure{}}
	tags := slices.Contains(in.Include, "TAGS")
	for _, ref := range in.Tasks {
		id := resourceName("task", ref)
		if t, ok := state.Tasks.Get(tx, c.key(cluster.Name+"/"+id)); ok {
			out.Tasks = append(out.Tasks, describeTask(t, tags))
			continue
		}
		out.Failures = append(out.Failures, ecsapi.Failure{Arn: state.ECSARN(c.Account, c.Region, "task/"+cluster.Name+"/"+id), Reason: "MISSING"})
	}
	return out, nil
}
