package ecs

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

func TestRunTask(t *testing.T) {
	f := newTest(t)
	f.register(t, "web")
	in := &ecsapi.RunTaskRequest{TaskDefinition: "web", LaunchType: "FARGATE", Count: ptr[int32](2), NetworkConfiguration: network(), ClientToken: "token",
		Overrides: &ecsapi.TaskOverride{Cpu: "512", Memory: "1024", ContainerOverrides: []ecsapi.ContainerOverride{{Name: "app", Command: []string{"x"}, Environment: []ecsapi.KeyValuePair{{Name: "A", Value: "1"}}}}}}
	out, err := f.RunTask(f.ctx, in)
	if err != nil || len(out.Tasks) != 2 || out.Failures == nil {
		t.Fatal(out, err)
	}
	task := out.Tasks[0]
	if task.LastStatus != "PROVISIONING" || task.DesiredStatus != "RUNNING" || task.Group != "family:web" || task.Cpu != "512" || task.Memory != "1024" || task.Attachments[0].Status != "PRECREATED" {
		t.Errorf("%+v", task)
	}
	if !reflect.DeepEqual(task.Attachments[0].Details, []ecsapi.KeyValuePair{{Name: "subnetId", Value: "subnet-a"}}) {
		t.Errorf("details %v", task.Attachments[0].Details)
	}
	if !reflect.DeepEqual(task.Overrides.ContainerOverrides, in.Overrides.ContainerOverrides) {
		t.Errorf("overrides %+v", task.Overrides)
	}
	again, err := f.RunTask(f.ctx, in)
	if err != nil || len(again.Tasks) != 2 || again.Tasks[0].TaskArn != task.TaskArn {
		t.Errorf("the token was not honoured: %+v %v", again, err)
	}
	in.Count = ptr[int32](1)
	if _, err := f.RunTask(f.ctx, in); err == nil || !strings.HasPrefix(err.Error(), "ConflictException") {
		t.Error(err)
	}
	// Stop one.
	stopped, err := f.StopTask(f.ctx, &ecsapi.StopTaskRequest{Task: task.TaskArn})
	if err != nil || stopped.Task.DesiredStatus != "STOPPED" || stopped.Task.StopCode != "UserInitiated" || stopped.Task.StoppedReason != "Task stopped by user" {
		t.Errorf("%+v %v", stopped, err)
	}
	list, _ := f.ListTasks(f.ctx, &ecsapi.ListTasksRequest{Family: "web"})
	if len(list.TaskArns) != 1 {
		t.Errorf("%v", list.TaskArns)
	}
	described, err := f.DescribeTasks(f.ctx, &ecsapi.DescribeTasksRequest{Tasks: []string{task.TaskArn, "nope"}})
	if err != nil || len(described.Tasks) != 1 || len(described.Failures) != 1 || described.Failures[0] != (ecsapi.Failure{Arn: "arn:aws:ecs:us-east-1:000000000000:task/default/nope", Reason: "MISSING"}) {
		t.Errorf("%+v %v", described, err)
	}
}

func TestRunTaskRefused(t *testing.T) {
	f := newTest(t)
	f.register(t, "web")
	f.register(t, "old")
	f.DeregisterTaskDefinition(f.ctx, &ecsapi.DeregisterTaskDefinitionRequest{TaskDefinition: "old:1"})
	for want, change := range map[string]func(*ecsapi.RunTaskRequest){
		"InvalidParameterException: No Container Instances were found in your cluster.": func(r *ecsapi.RunTaskRequest) { r.LaunchType = "" },
		"ClientException: TaskDefinition not found.":                                    func(r *ecsapi.RunTaskRequest) { r.TaskDefinition = "nope" },
		"ClientException: TaskDefinition is inactive":                                   func(r *ecsapi.RunTaskRequest) { r.TaskDefinition = "old:1" },
		"count should be":      func(r *ecsapi.RunTaskRequest) { r.Count = ptr[int32](11) },
		"volumeConfigurations": func(r *ecsapi.RunTaskRequest) { r.VolumeConfigurations = []ecsapi.TaskVolumeConfiguration{{}} },
		"is not a container in the TaskDefinition": func(r *ecsapi.RunTaskRequest) {
			r.Overrides = &ecsapi.TaskOverride{ContainerOverrides: []ecsapi.ContainerOverride{{Name: "x"}}}
		},
		"No Fargate configuration exists": func(r *ecsapi.RunTaskRequest) { r.Overrides = &ecsapi.TaskOverride{Cpu: "300"} },
		"PlatformUnknownException":        func(r *ecsapi.RunTaskRequest) { r.PlatformVersion = "1.3.0" },
	} {
		t.Run(want, func(t *testing.T) {
			in := &ecsapi.RunTaskRequest{TaskDefinition: "web", LaunchType: "FARGATE", NetworkConfiguration: network()}
			change(in)
			if _, err := f.RunTask(f.ctx, in); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
	f.denied["iam:PassRole"] = true
	if _, err := f.RunTask(f.ctx, &ecsapi.RunTaskRequest{TaskDefinition: "web", LaunchType: "FARGATE", NetworkConfiguration: network()}); err == nil || !strings.Contains(err.Error(), "iam:PassRole on resource: arn:aws:iam::000000000000:role/exec") {
		t.Error(err)
	}
	if len(f.tasks()) != 0 {
		t.Error("a refused call made a task")
	}
}

func TestTaskDefinitionRevisions(t *testing.T) {
	f := newTest(t)
	for range 12 {
		f.register(t, "web")
	}
	f.register(t, "web2")
	if d, err := f.DescribeTaskDefinition(f.ctx, &ecsapi.DescribeTaskDefinitionRequest{TaskDefinition: "web"}); err != nil || d.TaskDefinition.Revision != 12 {
		t.Fatal(d, err)
	}
	for ref, want := range map[string]string{"web": "Revision is missing.", "web:x": "Invalid revision number. Number: x", "web:99": "Unable to describe task definition."} {
		if _, err := f.DeregisterTaskDefinition(f.ctx, &ecsapi.DeregisterTaskDefinitionRequest{TaskDefinition: ref}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	f.DeregisterTaskDefinition(f.ctx, &ecsapi.DeregisterTaskDefinitionRequest{TaskDefinition: "web:12"})
	if d, _ := f.DescribeTaskDefinition(f.ctx, &ecsapi.DescribeTaskDefinitionRequest{TaskDefinition: "web"}); d.TaskDefinition.Revision != 11 {
		t.Error("newest ACTIVE is", d.TaskDefinition.Revision)
	}
	// Pages in the order of revisions, 2 before 10.
	var all []string
	in := &ecsapi.ListTaskDefinitionsRequest{FamilyPrefix: "web", MaxResults: ptr[int32](4), Sort: "DESC"}
	for {
		out, err := f.ListTaskDefinitions(f.ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range out.TaskDefinitionArns {
			all = append(all, a[strings.LastIndexByte(a, ':')+1:])
		}
		if in.NextToken = out.NextToken; in.NextToken == "" {
			break
		}
	}
	if strings.Join(all, " ") != "11 10 9 8 7 6 5 4 3 2 1" {
		t.Error(all)
	}
	deleted, err := f.DeleteTaskDefinitions(f.ctx, &ecsapi.DeleteTaskDefinitionsRequest{TaskDefinitions: []string{"web:12", "web:11", "web:77"}})
	if err != nil || len(deleted.TaskDefinitions) != 1 || len(deleted.Failures) != 2 {
		t.Errorf("%+v %v", deleted, err)
	}
	f.now = f.now.Add(time.Hour)
	f.forget(f.ctx, "")
	if _, err := f.DescribeTaskDefinition(f.ctx, &ecsapi.DescribeTaskDefinitionRequest{TaskDefinition: "web:12"}); err == nil {
		t.Error("deleted revision is still there")
	}
	if d := f.register(t, "web"); d.Revision != 13 {
		t.Error("revision was used again:", d.Revision)
	}
}

func TestClusters(t *testing.T) {
	f := newTest(t)
	out, err := f.CreateCluster(f.ctx, &ecsapi.CreateClusterRequest{ClusterName: "c", Settings: []ecsapi.ClusterSetting{{Name: "containerInsights", Value: "enabled"}}, CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, Tags: []ecsapi.Tag{{Key: "k", Value: "v"}}})
	if err != nil || out.Cluster.Status != "ACTIVE" || out.Cluster.Settings[0].Value != "enabled" {
		t.Fatal(out, err)
	}
	d, err := f.DescribeClusters(f.ctx, &ecsapi.DescribeClustersRequest{Clusters: []string{"c", "x"}, Include: []ecsapi.ClusterField{"STATISTICS", "TAGS"}})
	if err != nil || len(d.Clusters) != 1 || len(d.Clusters[0].Statistics) != 12 || d.Clusters[0].Tags[0].Value != "v" || d.Failures[0].Reason != "MISSING" || d.Failures[0].Arn != "arn:aws:ecs:us-east-1:000000000000:cluster/x" {
		t.Errorf("%+v %v", d, err)
	}
	f.create(t, 0)
	if _, err := f.DeleteCluster(f.ctx, &ecsapi.DeleteClusterRequest{Cluster: "default"}); err == nil || !strings.HasPrefix(err.Error(), "ClusterContainsServicesException") {
		t.Error(err)
	}
	if gone, err := f.DeleteCluster(f.ctx, &ecsapi.DeleteClusterRequest{Cluster: "c"}); err != nil || gone.Cluster.Status != "INACTIVE" {
		t.Error(gone, err)
	}
	if list, _ := f.ListClusters(f.ctx, &ecsapi.ListClustersRequest{}); !reflect.DeepEqual(list.ClusterArns, []string{"arn:aws:ecs:us-east-1:000000000000:cluster/default"}) {
		t.Error(list.ClusterArns)
	}
	other := caller.With(t.Context(), caller.ForRoot("111111111111", "us-east-1"))
	if list, _ := f.ListClusters(other, &ecsapi.ListClustersRequest{}); len(list.ClusterArns) != 0 {
		t.Error("another account sees", list.ClusterArns)
	}
}

func TestTagsAndSettings(t *testing.T) {
	f := newTest(t)
	arn := "arn:aws:ecs:us-east-1:000000000000:cluster/default"
	if _, err := f.TagResource(f.ctx, &ecsapi.TagResourceRequest{ResourceArn: arn, Tags: []ecsapi.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}}); err != nil {
		t.Fatal(err)
	}
	f.UntagResource(f.ctx, &ecsapi.UntagResourceRequest{ResourceArn: arn, TagKeys: []string{"a"}})
	list, err := f.ListTagsForResource(f.ctx, &ecsapi.ListTagsForResourceRequest{ResourceArn: arn})
	if err != nil || !reflect.DeepEqual(list.Tags, []ecsapi.Tag{{Key: "b", Value: "2"}}) {
		t.Error(list, err)
	}
	if _, err := f.PutAccountSettingDefault(f.ctx, &ecsapi.PutAccountSettingDefaultRequest{Name: "containerInsights", Value: "enabled"}); err != nil {
		t.Fatal(err)
	}
	f.CreateCluster(f.ctx, &ecsapi.CreateClusterRequest{ClusterName: "c"})
	c, _ := state.Clusters.Get(f.DB.Read(), "000000000000/us-east-1/c")
	if c.Settings[0].Value != "enabled" {
		t.Error("the account's setting has no effect")
	}
	found, token := 0, ""
	for {
		page, err := f.ListAccountSettings(f.ctx, &ecsapi.ListAccountSettingsRequest{EffectiveSettings: true, NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		if found, token = found+len(page.Settings), page.NextToken; token == "" {
			break
		}
	}
	if found != len(accountSettings) {
		t.Errorf("%d settings", found)
	}
}
