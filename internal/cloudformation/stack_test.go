package cloudformation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

const group = `
Parameters:
  Days: {Type: Number, Default: 7}
  Name: {Type: String, Default: ''}
Conditions:
  Named: !Not [!Equals [!Ref Name, '']]
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !If [Named, !Ref Name, !Ref AWS::NoValue]
      RetentionInDays: !Ref Days
Outputs:
  Arn: {Value: !GetAtt Group.Arn}
`

func TestEventsOfACreation(t *testing.T) {
	w := newWorld(t)
	s := w.create("one", group)
	w.expect(s, "CREATE_COMPLETE")
	const want = `one CREATE_IN_PROGRESS User Initiated
Group CREATE_IN_PROGRESS 
Group CREATE_IN_PROGRESS Resource creation Initiated
Group CREATE_COMPLETE 
one CREATE_COMPLETE 
`
	if got := w.events("one"); got != want {
		t.Errorf("events:\n%swant:\n%s", got, want)
	}
	var last time.Time
	for _, e := range w.eventList("one") {
		if !e.Timestamp.After(last) || e.Timestamp.Sub(last) < time.Millisecond {
			t.Errorf("event at %v is not after %v", e.Timestamp, last)
		}
		last = e.Timestamp
	}
	all := w.eventList("one")
	if all[1].PhysicalResourceId != "" || !strings.HasPrefix(all[2].PhysicalResourceId, "one-Group-") || all[2].ResourceProperties != `{"RetentionInDays":7}` {
		t.Errorf("physical ids %q, %q, properties %s", all[1].PhysicalResourceId, all[2].PhysicalResourceId, all[2].ResourceProperties)
	}
	if end := all[4]; end.PhysicalResourceId != s.StackId || end.ResourceType != "AWS::CloudFormation::Stack" {
		t.Errorf("the last event is %+v", end)
	}
	if !strings.HasPrefix(output(s, "Arn"), "arn:aws:logs:eu-west-1:000000000000:log-group:one-Group-") {
		t.Errorf("output %q", output(s, "Arn"))
	}
}

func TestUpdateInPlaceAndByReplacement(t *testing.T) {
	w := newWorld(t)
	s := w.create("one", group)
	old := physical(w, "one", "Group")
	w.expect(w.update("one", group, "Days", "14"), "UPDATE_COMPLETE")
	if id := physical(w, "one", "Group"); id != old || w.count("CloudWatch Logs CreateLogGroup") != 1 {
		t.Errorf("in place made %s of %s", id, old)
	}
	_, err := w.api.UpdateStack(w.ctx, &cloudformationapi.UpdateStackInput{StackName: "one", TemplateBody: group, Parameters: pairs([]string{"Days", "14"})})
	wantError(t, err, "ValidationError", "No updates are to be performed.")

	before := len(w.eventList("one"))
	w.expect(w.update("one", group, "Days", "14", "Name", "mine"), "UPDATE_COMPLETE")
	var got []string
	for _, e := range w.eventList("one")[before:] {
		got = append(got, e.LogicalResourceId+" "+string(e.ResourceStatus)+" "+e.ResourceStatusReason+" "+strings.ReplaceAll(e.PhysicalResourceId, old, "OLD"))
	}
	want := []string{
		"one UPDATE_IN_PROGRESS User Initiated " + s.StackId,
		"Group UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one. OLD",
		"Group UPDATE_IN_PROGRESS Resource creation Initiated mine",
		"Group UPDATE_COMPLETE  mine",
		"one UPDATE_COMPLETE_CLEANUP_IN_PROGRESS  " + s.StackId,
		"Group DELETE_IN_PROGRESS  OLD",
		"Group DELETE_COMPLETE  OLD",
		"one UPDATE_COMPLETE  " + s.StackId,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("replacement:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func physical(w *world, stack, logicalID string) string {
	w.t.Helper()
	out, err := w.api.DescribeStackResource(w.ctx, &cloudformationapi.DescribeStackResourceInput{StackName: stack, LogicalResourceId: logicalID})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.StackResourceDetail.PhysicalResourceId
}

func wantError(t *testing.T, err error, code, text string) {
	t.Helper()
	var e wire.Error
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("error %v, want %s: %s", err, code, text)
	}
}

const two = `
Resources:
  First: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: first}}
  Second: {Type: AWS::Logs::LogGroup, DependsOn: First, Properties: {LogGroupName: second, RetentionInDays: 5}}
`

func TestFailedCreation(t *testing.T) {
	w := newWorld(t)
	w.refuse["CloudWatch Logs PutRetentionPolicy"] = func() error {
		return wire.NewError("InvalidParameterException", 400, "no such retention")
	}
	s := w.create("bad", two)
	w.expect(s, "ROLLBACK_COMPLETE")
	events := w.events("bad")
	for _, line := range []string{
		`Second CREATE_FAILED Resource handler returned message: "no such retention (Service: Logs, Status Code: 400, Request ID: `,
		"bad ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Second]. Rollback requested by user.\n",
		"Second DELETE_COMPLETE \nFirst DELETE_IN_PROGRESS \nFirst DELETE_COMPLETE \nbad ROLLBACK_COMPLETE \n",
	} {
		if !strings.Contains(events, line) {
			t.Errorf("no %q in\n%s", line, events)
		}
	}
	_, err := w.api.UpdateStack(w.ctx, &cloudformationapi.UpdateStackInput{StackName: "bad", TemplateBody: two})
	wantError(t, err, "ValidationError", "Stack:"+s.StackId+" is in ROLLBACK_COMPLETE state and can not be updated.")

	_, err = w.api.CreateStack(w.ctx, &cloudformationapi.CreateStackInput{StackName: "left", TemplateBody: strings.ReplaceAll(two, "first", "third"), DisableRollback: true})
	if err != nil {
		t.Fatal(err)
	}
	left := w.ended("left")
	w.expect(left, "CREATE_FAILED")
	if left.StackStatusReason != "The following resource(s) failed to create: [Second]. " {
		t.Errorf("reason %q", left.StackStatusReason)
	}
	if _, err := w.api.RollbackStack(w.ctx, &cloudformationapi.RollbackStackInput{StackName: "left"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended("left"), "ROLLBACK_COMPLETE")

	_, err = w.api.CreateStack(w.ctx, &cloudformationapi.CreateStackInput{StackName: "gone", TemplateBody: two, OnFailure: "DELETE"})
	if err != nil {
		t.Fatal(err)
	}
	for id := range state.Stacks.By(w.db.Read(), "name", state.Key(account, region, "gone")) {
		w.expect(w.ended(id.ID), "DELETE_COMPLETE")
	}
}

func TestFailedUpdateIsRolledBack(t *testing.T) {
	w := newWorld(t)
	w.expect(w.create("s", two), "CREATE_COMPLETE")
	w.refuse["ECS CreateCluster"] = func() error { return wire.NewError("ClientException", 400, "no cluster today") }
	changed := strings.Replace(two, "RetentionInDays: 5", "RetentionInDays: 30", 1)
	changed = strings.Replace(changed, "LogGroupName: first", "LogGroupName: other", 1) + "  Cluster: {Type: AWS::ECS::Cluster, DependsOn: Second}\n"
	s := w.update("s", changed)
	w.expect(s, "UPDATE_ROLLBACK_COMPLETE")
	events := w.events("s")
	for _, line := range []string{
		"s UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Cluster]. \n",
		"s UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS \n",
		"Cluster DELETE_COMPLETE",
	} {
		if !strings.Contains(events, line) {
			t.Errorf("no %q in\n%s", line, events)
		}
	}
	if id := physical(w, "s", "First"); id != "first" {
		t.Errorf("First is %s", id)
	}
	groups := map[string]int{}
	for g := range state.LogGroups.All(w.db.Read(), "") {
		groups[g.Name] = int(g.RetentionInDays)
	}
	if len(groups) != 2 || groups["second"] != 5 {
		t.Errorf("log groups: %v", groups)
	}
	if _, err := w.api.DescribeStackResource(w.ctx, &cloudformationapi.DescribeStackResourceInput{StackName: "s", LogicalResourceId: "Cluster"}); err == nil {
		t.Error("the cluster that failed is still part of the stack")
	}
}

const service = `
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.1.0.0/24}}
  Cluster: {Type: AWS::ECS::Cluster}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Cpu: 256
      Memory: '512'
      NetworkMode: awsvpc
      RequiresCompatibilities: [FARGATE]
      ContainerDefinitions: [{Name: app, Image: busybox, Memory: '128', Essential: 'true', PortMappings: [{ContainerPort: '80'}]}]
  Service:
    Type: AWS::ECS::Service
    Properties:
      Cluster: !Ref Cluster
      TaskDefinition: !Ref Task
      LaunchType: FARGATE
      DesiredCount: '1'
      DeploymentConfiguration: {DeploymentCircuitBreaker: {Enable: true, Rollback: false}}
      NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [!Ref Subnet]}}
Outputs:
  Name: {Value: !GetAtt Service.Name}
`

func TestServiceThatDoesNotStart(t *testing.T) {
	w := newWorld(t)
	w.failing = "CannotPullContainerError: pull image manifest has been retried 1 time(s)"
	w.expect(w.create("svc", service), "ROLLBACK_COMPLETE")
	const want = `Service CREATE_FAILED Resource handler returned message: "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'." (RequestToken: `
	if events := w.events("svc"); !strings.Contains(events, want) {
		t.Errorf("events:\n%s", events)
	}
	w.nothingLeft()
	w.mu.Lock()
	w.failing = ""
	w.mu.Unlock()
	w.expect(w.create("again", service), "CREATE_COMPLETE")
}

func TestNestedFailure(t *testing.T) {
	w := newWorld(t)
	w.refuse["CloudWatch Logs CreateLogGroup"] = func() error { return wire.NewError("LimitExceededException", 400, "too many groups") }
	w.sam("env", w.files(), "ImageUri", "busybox")
	s := w.ended("env")
	w.expect(s, "ROLLBACK_COMPLETE")
	events := w.events("env")
	if !strings.Contains(events, "ServiceStack CREATE_FAILED Embedded stack arn:aws:cloudformation:eu-west-1:000000000000:stack/env-ServiceStack-") ||
		!strings.Contains(events, "was not successfully created: The following resource(s) failed to create: [LogGroup") {
		t.Errorf("events:\n%s", events)
	}
	w.nothingLeft()
}

// A nested update that fails takes the siblings back too.
func TestNestedUpdateFailureReturnsEverything(t *testing.T) {
	w := newWorld(t)
	files := w.files()
	w.sam("env", files, "ImageUri", "busybox")
	w.expect(w.ended("env"), "CREATE_COMPLETE")
	before := w.service()
	w.refuse["ECS RegisterTaskDefinition"] = func() error { return wire.NewError("ClientException", 400, "not this one") }
	files["private-service.yml"] = strings.Replace(files["private-service.yml"], "Default: 512", "Default: 1024", 1)
	files["isolated-vpc.yml"] = strings.Replace(files["isolated-vpc.yml"], "Default: false", "Default: true", 1)
	w.sam("env", files, "ImageUri", "busybox")
	w.expect(w.ended("env"), "UPDATE_ROLLBACK_COMPLETE")
	for s := range state.Stacks.All(w.db.Read(), "") {
		if s.Operation != nil || strings.HasSuffix(s.Status, "FAILED") {
			t.Errorf("%s is %s", s.Name, s.Status)
		}
	}
	if after := w.service(); after.TaskDefinition != before.TaskDefinition || after.RunningCount != 2 {
		t.Errorf("the service runs %s", after.TaskDefinition)
	}
	out, err := w.ec2.DescribeVpcEndpoints(w.ctx, &ec2api.DescribeVpcEndpointsRequest{})
	if err != nil || len(out.VpcEndpoints) != 7 {
		t.Errorf("%d endpoints, %v", len(out.VpcEndpoints), err)
	}
}
