package cloudformation_test

import (
	"crypto/md5"
	"fmt"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// The isolated VPC alone, with and without the endpoints for EC2 capacity.
func TestIsolatedVPC(t *testing.T) {
	w := newWorld(t)
	body := w.example("isolated-vpc.yml")
	s := w.create("vpc", body)
	w.expect(s, "CREATE_COMPLETE")
	if ids := strings.Split(output(s, "PrivateSubnetIds"), ","); len(ids) != 2 || !strings.HasPrefix(ids[0], "subnet-") {
		t.Errorf("outputs: %+v", s.Outputs)
	}
	endpoints := func() int {
		out, err := w.ec2.DescribeVpcEndpoints(w.ctx, &ec2api.DescribeVpcEndpointsRequest{Filters: []ec2api.Filter{{Name: "vpc-id", Values: []string{output(s, "VpcId")}}}})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.VpcEndpoints)
	}
	if n := endpoints(); n != 7 {
		t.Errorf("%d endpoints, want 7", n)
	}
	w.expect(w.update("vpc", body, "DeployingToEC2", "true"), "UPDATE_COMPLETE")
	if n := endpoints(); n != 10 {
		t.Errorf("%d endpoints, want 10", n)
	}
	w.expect(w.update("vpc", body, "DeployingToEC2", "false"), "UPDATE_COMPLETE")
	if n := endpoints(); n != 7 {
		t.Errorf("%d endpoints, want 7", n)
	}
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "vpc"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended(s.StackId), "DELETE_COMPLETE")
	if n := endpoints(); n != 0 {
		t.Errorf("%d endpoints are left", n)
	}
}

// sam does what sam deploy does: packages the templates, makes a change set and
// executes it. It returns the change set's description.
func (w *world) sam(name string, files map[string]string, parameters ...string) *cloudformationapi.DescribeChangeSetOutput {
	w.t.Helper()
	parent := files["parent.yml"]
	for file, text := range files {
		if file != "parent.yml" {
			parent = strings.ReplaceAll(parent, "Location: "+file, "Location: "+w.put(hash(text)+".template", text))
		}
	}
	kind := cloudformationapi.ChangeSetType("UPDATE")
	if _, err := w.api.DescribeStacks(w.ctx, &cloudformationapi.DescribeStacksInput{StackName: name}); err != nil {
		kind = "CREATE"
	}
	w.sets++
	created, err := w.api.CreateChangeSet(w.ctx, &cloudformationapi.CreateChangeSetInput{
		StackName: name, ChangeSetName: fmt.Sprintf("samcli-deploy%d", w.sets), ChangeSetType: kind, TemplateURL: w.put(hash(parent)+".template", parent),
		Parameters: pairs(parameters), Capabilities: []cloudformationapi.Capability{"CAPABILITY_IAM"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.api.DescribeChangeSet(w.ctx, &cloudformationapi.DescribeChangeSetInput{ChangeSetName: created.Id, StackName: name})
	if err != nil {
		w.t.Fatal(err)
	}
	if out.Status == "CREATE_COMPLETE" {
		if _, err := w.api.ExecuteChangeSet(w.ctx, &cloudformationapi.ExecuteChangeSetInput{ChangeSetName: created.Id, StackName: name}); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

func hash(text string) string { return fmt.Sprintf("%x", md5.Sum([]byte(text))) }

func (w *world) files() map[string]string {
	files := map[string]string{}
	for _, name := range []string{"parent.yml", "isolated-vpc.yml", "cluster.yml", "private-service.yml"} {
		files[name] = w.example(name)
	}
	return files
}

func (w *world) service() ecsapi.Service {
	w.t.Helper()
	var cluster string
	for c := range state.Clusters.All(w.db.Read(), state.Prefix(account, region)) {
		if c.Status == "ACTIVE" {
			cluster = c.Name
		}
	}
	out, err := w.ecs.DescribeServices(w.ctx, &ecsapi.DescribeServicesRequest{Cluster: cluster, Services: []string{"sample-service"}})
	if err != nil || len(out.Services) != 1 {
		w.t.Fatal(out, err)
	}
	return out.Services[0]
}

// The whole way of sam deploy and sam delete.
func TestServerlessParent(t *testing.T) {
	w := newWorld(t)
	files := w.files()
	set := w.sam("env", files, "ImageUri", "busybox")
	if set.Status != "CREATE_COMPLETE" || len(set.Changes) != 3 || set.Changes[0].ResourceChange.ResourceType != "AWS::CloudFormation::Stack" {
		t.Fatalf("change set: %s %s %d", set.Status, set.StatusReason, len(set.Changes))
	}
	s := w.ended("env")
	w.expect(s, "CREATE_COMPLETE")
	first := w.service()
	if first.RunningCount != 2 || first.DesiredCount != 2 {
		t.Errorf("service: %+v", first)
	}

	set = w.sam("env", files, "ImageUri", "busybox")
	if set.Status != "FAILED" || set.StatusReason != "The submitted information didn't contain changes. Submit different information to create a change set." {
		t.Errorf("second deploy: %s %q", set.Status, set.StatusReason)
	}

	files["private-service.yml"] = strings.Replace(files["private-service.yml"], "Default: 512", "Default: 1024", 1)
	if set = w.sam("env", files, "ImageUri", "busybox"); len(set.Changes) != 1 || set.Changes[0].ResourceChange.LogicalResourceId != "ServiceStack" {
		t.Fatalf("new memory: %s %s %+v", set.Status, set.StatusReason, set.Changes)
	}
	w.expect(w.ended("env"), "UPDATE_COMPLETE")
	second := w.service()
	if second.TaskDefinition == first.TaskDefinition || second.RunningCount != 2 {
		t.Errorf("new memory left %s with %d tasks", second.TaskDefinition, second.RunningCount)
	}
	if out, err := w.ecs.DescribeTaskDefinition(w.ctx, &ecsapi.DescribeTaskDefinitionRequest{TaskDefinition: first.TaskDefinition}); err != nil || out.TaskDefinition.Status != "INACTIVE" {
		t.Errorf("the old task definition: %v %v", out, err)
	}

	registered := w.count("ECS RegisterTaskDefinition")
	files["private-service.yml"] = strings.Replace(files["private-service.yml"], "Default: 2\n", "Default: 3\n", 1)
	w.sam("env", files, "ImageUri", "busybox")
	w.expect(w.ended("env"), "UPDATE_COMPLETE")
	if third := w.service(); third.TaskDefinition != second.TaskDefinition || third.RunningCount != 3 || w.count("ECS RegisterTaskDefinition") != registered {
		t.Errorf("a new count left %s with %d tasks", third.TaskDefinition, third.RunningCount)
	}

	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "env"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended(s.StackId), "DELETE_COMPLETE")
	w.nothingLeft()
}

// nothingLeft checks that no stack and nothing that a stack made is left.
func (w *world) nothingLeft() {
	w.t.Helper()
	for s := range state.Stacks.All(w.db.Read(), "") {
		if s.Status != "DELETE_COMPLETE" && s.Status != "ROLLBACK_COMPLETE" {
			w.t.Errorf("stack %s is %s", s.Name, s.Status)
		}
	}
	for v := range state.Vpcs.All(w.db.Read(), "") {
		if !v.IsDefault {
			w.t.Errorf("VPC %s is left", v.ID)
		}
	}
	for r := range state.Roles.All(w.db.Read(), "") {
		if !strings.HasPrefix(r.Path, "/aws-service-role/") {
			w.t.Errorf("role %s is left", r.Name)
		}
	}
	for n := range state.Namespaces.All(w.db.Read(), "") {
		w.t.Errorf("namespace %s is left", n.Name)
	}
	for c := range state.Clusters.All(w.db.Read(), "") {
		if c.Status == "ACTIVE" {
			w.t.Errorf("cluster %s is left", c.Name)
		}
	}
}

// SAM reads URLs of our S3 in the spelling of S3, and everybody else as given.
func TestTemplateForSAM(t *testing.T) {
	w := newWorld(t)
	w.sam("env", w.files(), "ImageUri", "busybox")
	w.expect(w.ended("env"), "CREATE_COMPLETE")
	plain, err := w.api.GetTemplate(w.ctx, &cloudformationapi.GetTemplateInput{StackName: "env"})
	if err != nil || strings.Count(plain.TemplateBody, "http://127.0.0.1:4566/staging/") != 3 {
		t.Errorf("%v %s", err, plain.TemplateBody)
	}
	id := caller.From(w.ctx)
	id.UserAgent = "aws-sam-cli/1.164.0"
	sam, err := w.api.GetTemplate(caller.With(w.ctx, id), &cloudformationapi.GetTemplateInput{StackName: "env", TemplateStage: "Original"})
	if err != nil || strings.Count(sam.TemplateBody, "https://s3.eu-west-1.amazonaws.com/staging/") != 3 {
		t.Errorf("%v %s", err, sam.TemplateBody)
	}
}
