package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// What is refused at once, and in which words.
func TestRefusedRequests(t *testing.T) {
	w := newWorld(t)
	w.expect(w.create("there", group), "CREATE_COMPLETE")
	role := "Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: []}}}}"
	for name, c := range map[string]struct {
		in         cloudformationapi.CreateStackInput
		code, text string
	}{
		"name":      {cloudformationapi.CreateStackInput{StackName: "1x", TemplateBody: group}, "ValidationError", "1 validation error detected: Value '1x' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"},
		"no name":   {cloudformationapi.CreateStackInput{TemplateBody: group}, "ValidationError", "StackName is a required parameter."},
		"no body":   {cloudformationapi.CreateStackInput{StackName: "x"}, "ValidationError", "Either Template URL or Template Body must be specified."},
		"large":     {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: strings.Repeat("x", 51_201)}, "ValidationError", "at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200"},
		"url":       {cloudformationapi.CreateStackInput{StackName: "x", TemplateURL: "ftp://x/y"}, "ValidationError", "TemplateURL must be a supported URL."},
		"domain":    {cloudformationapi.CreateStackInput{StackName: "x", TemplateURL: "https://example.com/b/k"}, "ValidationError", "S3 error: Domain name specified in example.com is not a valid S3 domain"},
		"exists":    {cloudformationapi.CreateStackInput{StackName: "there", TemplateBody: group}, "AlreadyExistsException", "Stack [there] already exists"},
		"iam":       {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: role}, "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"},
		"named iam": {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: strings.Replace(role, "{AssumeRole", "{RoleName: r, AssumeRole", 1), Capabilities: []cloudformationapi.Capability{"CAPABILITY_IAM"}}, "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]"},
		"expand":    {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: "Transform: AWS::Serverless-2016-10-31\n" + two}, "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"},
		"type":      {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: "Resources:\n  A:\n    Type: AWS::Foo::Bar"}, "ValidationError", "Template format error: Unrecognized resource types: [AWS::Foo::Bar] (Neargate does not carry them out; line 2)"},
		"property":  {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: "Resources:\n  A:\n    Type: AWS::EC2::VPC\n    Properties:\n      CidrBlock: 10.0.0.0/16\n      Colour: red"}, "ValidationError", "Properties validation failed for resource A with message: #: extraneous key [Colour] is not permitted: Neargate does not carry out property Colour of type AWS::EC2::VPC (line 6)"},
		"inner":     {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: "Resources:\n  A:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      ContainerDefinitions:\n        - Name: a\n          Image: b\n          Colour: red"}, "ValidationError", "Neargate does not carry out property ContainerDefinitions/0/Colour of type AWS::ECS::TaskDefinition (line 8)"},
		"required":  {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: "Resources: {A: {Type: AWS::EC2::VPC}}"}, "ValidationError", "#: required key [CidrBlock] not found"},
		"kind":      {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: "Resources: {A: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: soon}}}"}, "ValidationError", "#/RetentionInDays: expected type: Integer, found: String (line 1)"},
		"attribute": {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: "Resources: {A: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}}\nOutputs: {O: {Value: !GetAtt A.Colour}}"}, "ValidationError", "Template error: resource A does not support attribute type Colour in Fn::GetAtt"},
		"circle":    {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: strings.Replace(two, "{LogGroupName: first}", "{LogGroupName: !Ref Second}", 1)}, "ValidationError", "Circular dependency between resources: [First, Second]"},
		"missing":   {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: strings.Replace(group, ", Default: 7", "", 1)}, "ValidationError", "Parameters: [Days] must have values"},
		"unknown":   {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: group, Parameters: pairs([]string{"Foo", "1"})}, "ValidationError", "Parameters: [Foo] do not exist in the template"},
		"policy":    {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: group, StackPolicyBody: "{}"}, "ValidationError", "Error validating stack policy: Invalid stack policy"},
		"express":   {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: group, DeploymentConfig: &cloudformationapi.DeploymentConfig{Mode: "EXPRESS"}}, "ValidationError", "Neargate does not carry out DeploymentConfig.Mode EXPRESS"},
		"types":     {cloudformationapi.CreateStackInput{StackName: "x", TemplateBody: group, ResourceTypes: []string{"AWS::EC2::*"}}, "ValidationError", "Resource type AWS::Logs::LogGroup is not allowed by parameter ResourceTypes [AWS::EC2::*]"},
	} {
		_, err := w.api.CreateStack(w.ctx, &c.in)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantError(t, err, c.code, c.text)
	}
	out, err := w.api.ListStacks(w.ctx, &cloudformationapi.ListStacksInput{})
	if err != nil || len(out.StackSummaries) != 1 {
		t.Errorf("refused requests left %d stacks", len(out.StackSummaries))
	}
}

func TestUnknownNames(t *testing.T) {
	w := newWorld(t)
	_, err := w.api.DescribeStacks(w.ctx, &cloudformationapi.DescribeStacksInput{StackName: "x"})
	wantError(t, err, "ValidationError", "Stack with id x does not exist")
	_, err = w.api.DescribeStackEvents(w.ctx, &cloudformationapi.DescribeStackEventsInput{StackName: "x"})
	wantError(t, err, "ValidationError", "Stack [x] does not exist")
	_, err = w.api.UpdateStack(w.ctx, &cloudformationapi.UpdateStackInput{StackName: "x", TemplateBody: group})
	wantError(t, err, "ValidationError", "Stack with id x does not exist")
	_, err = w.api.DeleteChangeSet(w.ctx, &cloudformationapi.DeleteChangeSetInput{StackName: "x", ChangeSetName: "c"})
	wantError(t, err, "ValidationError", "Stack [x] does not exist")
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "x"}); err != nil {
		t.Error(err)
	}
	w.expect(w.create("x", group), "CREATE_COMPLETE")
	_, err = w.api.DescribeChangeSet(w.ctx, &cloudformationapi.DescribeChangeSetInput{StackName: "x", ChangeSetName: "c"})
	wantError(t, err, "ChangeSetNotFound", "ChangeSet [c] does not exist")
	if _, err = w.api.DeleteChangeSet(w.ctx, &cloudformationapi.DeleteChangeSetInput{StackName: "x", ChangeSetName: "c"}); err != nil {
		t.Error(err)
	}
	_, err = w.api.DescribeChangeSet(w.ctx, &cloudformationapi.DescribeChangeSetInput{ChangeSetName: "c"})
	wantError(t, err, "ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN.")
}

// set makes a change set and describes it.
func (w *world) set(in cloudformationapi.CreateChangeSetInput) *cloudformationapi.DescribeChangeSetOutput {
	w.t.Helper()
	made, err := w.api.CreateChangeSet(w.ctx, &in)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.api.DescribeChangeSet(w.ctx, &cloudformationapi.DescribeChangeSetInput{ChangeSetName: made.Id, IncludePropertyValues: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func TestChangeSets(t *testing.T) {
	w := newWorld(t)
	first := w.set(cloudformationapi.CreateChangeSetInput{StackName: "s", ChangeSetName: "c1", ChangeSetType: "CREATE", TemplateBody: two})
	if first.Status != "CREATE_COMPLETE" || first.ExecutionStatus != "AVAILABLE" || len(first.Changes) != 2 || first.Changes[0].ResourceChange.Action != "Add" {
		t.Errorf("%+v", first)
	}
	w.expect2("s", "REVIEW_IN_PROGRESS")
	_, err := w.api.ExecuteChangeSet(w.ctx, &cloudformationapi.ExecuteChangeSetInput{StackName: "s", ChangeSetName: "c1"})
	if err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended("s"), "CREATE_COMPLETE")

	changed := strings.Replace(two, "RetentionInDays: 5", "RetentionInDays: 30", 1)
	changed = strings.Replace(changed, "LogGroupName: first", "LogGroupName: other", 1) + "  Third: {Type: AWS::Logs::LogGroup}\n"
	out := w.set(cloudformationapi.CreateChangeSetInput{StackName: "s", ChangeSetName: "c2", TemplateBody: changed})
	var got []string
	for _, c := range out.Changes {
		r := c.ResourceChange
		line := string(r.Action) + " " + r.LogicalResourceId + " " + string(r.Replacement) + " " + string(r.PolicyAction)
		for _, d := range r.Details {
			line += " " + d.Target.Path + " " + string(d.Target.RequiresRecreation) + " " + d.Target.BeforeValue + ">" + d.Target.AfterValue
		}
		got = append(got, line)
	}
	want := "Modify First True ReplaceAndDelete /Properties/LogGroupName Always first>other\nModify Second False  /Properties/RetentionInDays Never 5>30\nAdd Third  "
	if strings.Join(got, "\n") != want {
		t.Errorf("changes:\n%s\nwant:\n%s", strings.Join(got, "\n"), want)
	}
	same := w.set(cloudformationapi.CreateChangeSetInput{StackName: "s", ChangeSetName: "c3", TemplateBody: two})
	if same.Status != "FAILED" || same.ExecutionStatus != "UNAVAILABLE" {
		t.Errorf("no change: %s", same.Status)
	}
	_, err = w.api.ExecuteChangeSet(w.ctx, &cloudformationapi.ExecuteChangeSetInput{StackName: "s", ChangeSetName: "c3"})
	wantError(t, err, "InvalidChangeSetStatus", "cannot be executed in its current status of [FAILED]")
	tagged := w.set(cloudformationapi.CreateChangeSetInput{StackName: "s", ChangeSetName: "c4", TemplateBody: two, Tags: []cloudformationapi.Tag{{Key: "a", Value: "b"}}})
	if len(tagged.Changes) != 2 || tagged.Changes[0].ResourceChange.Scope[0] != "Tags" {
		t.Errorf("tags: %s %+v", tagged.Status, tagged.Changes)
	}
	broken := w.set(cloudformationapi.CreateChangeSetInput{StackName: "s", ChangeSetName: "c5", TemplateBody: strings.Replace(two, "RetentionInDays", "Colour", 1)})
	if broken.Status != "FAILED" || !strings.Contains(broken.StatusReason, "does not carry out property Colour of type AWS::Logs::LogGroup (line 4)") {
		t.Errorf("broken: %s %s", broken.Status, broken.StatusReason)
	}
	if _, err := w.api.ExecuteChangeSet(w.ctx, &cloudformationapi.ExecuteChangeSetInput{StackName: "s", ChangeSetName: "c2"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended("s"), "UPDATE_COMPLETE")
	list, err := w.api.ListChangeSets(w.ctx, &cloudformationapi.ListChangeSetsInput{StackName: "s"})
	if err != nil || len(list.Summaries) != 1 || list.Summaries[0].ExecutionStatus != "EXECUTE_COMPLETE" {
		t.Errorf("after execution: %+v %v", list, err)
	}
	_, err = w.api.CreateChangeSet(w.ctx, &cloudformationapi.CreateChangeSetInput{StackName: "s", ChangeSetName: "c9", ChangeSetType: "CREATE", TemplateBody: two})
	wantError(t, err, "ValidationError", "Stack [s] already exists and cannot be created again with the changeSet [c9].")
}

// expect2 checks a status that is not waited for.
func (w *world) expect2(name, status string) {
	w.t.Helper()
	out, err := w.api.DescribeStacks(w.ctx, &cloudformationapi.DescribeStacksInput{StackName: name})
	if err != nil || string(out.Stacks[0].StackStatus) != status {
		w.t.Errorf("%s is %+v (%v), want %s", name, out, err, status)
	}
}

// A mistake in a nested template fails the parent's change set, with its line there.
func TestNestedMistakeFailsTheChangeSet(t *testing.T) {
	w := newWorld(t)
	files := w.files()
	files["cluster.yml"] = strings.Replace(files["cluster.yml"], "ClusterSettings:", "Colour: red\n      ClusterSettings:", 1)
	set := w.sam("env", files, "ImageUri", "busybox")
	if set.Status != "FAILED" || !strings.Contains(set.StatusReason, "Embedded stack ClusterStack: Properties validation failed for resource ECSCluster") || !strings.Contains(set.StatusReason, "property Colour of type AWS::ECS::Cluster (line 9)") {
		t.Errorf("%s %s", set.Status, set.StatusReason)
	}
	files = w.files()
	files["parent.yml"] = strings.Replace(files["parent.yml"], "AWS::Serverless::Application", "AWS::Serverless::Function", 1)
	set = w.sam("env2", files, "ImageUri", "busybox")
	if set.Status != "FAILED" || !strings.HasPrefix(set.StatusReason, "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document. Number of errors found: 1.") {
		t.Errorf("%s %s", set.Status, set.StatusReason)
	}
}

const exporting = `
Resources: {G: {Type: AWS::Logs::LogGroup}}
Outputs: {O: {Value: !Ref G, Export: {Name: shared-group}}}
`

const importing = `
Resources: {G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub ['${x}-2', {x: !ImportValue shared-group}]}}}
`

func TestExports(t *testing.T) {
	w := newWorld(t)
	bad := w.create("early", importing)
	w.expect(bad, "ROLLBACK_COMPLETE")
	if !strings.Contains(w.events("early"), "No export named shared-group found.") {
		t.Error(w.events("early"))
	}
	from := w.create("from", exporting)
	w.expect(from, "CREATE_COMPLETE")
	w.expect(w.create("user", importing), "CREATE_COMPLETE")
	w.expect(w.create("again", exporting), "ROLLBACK_COMPLETE")
	if !strings.Contains(w.events("again"), "Export with name shared-group is already exported by stack from. Rollback requested by user.") {
		t.Error(w.events("again"))
	}
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "from"}); err != nil {
		t.Fatal(err)
	}
	s := w.ended("from")
	w.expect(s, "DELETE_FAILED")
	if s.StackStatusReason != "Delete canceled. Cannot delete export shared-group as it is in use by user." {
		t.Error(s.StackStatusReason)
	}
	list, err := w.api.ListImports(w.ctx, &cloudformationapi.ListImportsInput{ExportName: "shared-group"})
	if err != nil || len(list.Imports) != 1 || list.Imports[0] != "user" {
		t.Errorf("%+v %v", list, err)
	}
	for _, name := range []string{"user", "from"} {
		id := w.ended(name).StackId
		if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: name}); err != nil {
			t.Fatal(err)
		}
		w.expect(w.ended(id), "DELETE_COMPLETE")
	}
	exports, err := w.api.ListExports(w.ctx, &cloudformationapi.ListExportsInput{})
	if err != nil || len(exports.Exports) != 0 {
		t.Errorf("%+v %v", exports, err)
	}
}

const sharedRule = `
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: g
      VpcId: !Ref Vpc
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: '80', ToPort: 80, CidrIp: 10.0.0.0/8}]
  Rule:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !Ref Group, IpProtocol: tcp, FromPort: 80, ToPort: '80', CidrIp: 10.0.0.0/8}
`

// A rule that is declared inline and apart is one rule, which stays as long as
// one of them wants it.
func TestRuleDeclaredTwice(t *testing.T) {
	w := newWorld(t)
	w.expect(w.create("s", sharedRule), "CREATE_COMPLETE")
	group := physical(w, "s", "Group")
	rules := func() int {
		out, err := w.ec2.DescribeSecurityGroupRules(w.ctx, &ec2api.DescribeSecurityGroupRulesRequest{Filters: []ec2api.Filter{{Name: "group-id", Values: []string{group}}}})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range out.SecurityGroupRules {
			if !wire.Or(r.IsEgress, false) {
				n++
			}
		}
		return n
	}
	alone := sharedRule[:strings.Index(sharedRule, "  Rule:")]
	w.expect(w.update("s", alone), "UPDATE_COMPLETE")
	if rules() != 1 {
		t.Errorf("%d rules after the separate one went", rules())
	}
	w.expect(w.update("s", sharedRule), "UPDATE_COMPLETE")
	apart := strings.Replace(sharedRule, "      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: '80', ToPort: 80, CidrIp: 10.0.0.0/8}]\n", "", 1)
	w.expect(w.update("s", apart), "UPDATE_COMPLETE")
	if rules() != 1 {
		t.Errorf("%d rules after the inline one went", rules())
	}
	w.expect(w.update("s", apart[:strings.Index(apart, "  Rule:")]), "UPDATE_COMPLETE")
	if rules() != 0 {
		t.Errorf("%d rules after both went", rules())
	}
}

func TestDeletionPolicies(t *testing.T) {
	w := newWorld(t)
	kept := strings.Replace(two, "DependsOn: First", "DependsOn: First, DeletionPolicy: Retain", 1)
	s := w.create("s", kept)
	w.expect(s, "CREATE_COMPLETE")
	if _, err := w.api.UpdateTerminationProtection(w.ctx, &cloudformationapi.UpdateTerminationProtectionInput{StackName: "s", EnableTerminationProtection: new(true)}); err != nil {
		t.Fatal(err)
	}
	err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "s"})
	wantError(t, err, "ValidationError", "Stack [s] cannot be deleted while TerminationProtection is enabled")
	if _, err := w.api.UpdateTerminationProtection(w.ctx, &cloudformationapi.UpdateTerminationProtectionInput{StackName: "s", EnableTerminationProtection: new(false)}); err != nil {
		t.Fatal(err)
	}
	w.refuse["CloudWatch Logs DeleteLogGroup"] = func() error { return wire.NewError("OperationAbortedException", 400, "busy") }
	_ = w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "s"})
	failed := w.ended("s")
	w.expect(failed, "DELETE_FAILED")
	if failed.StackStatusReason != "The following resource(s) failed to delete: [First]. " {
		t.Errorf("%q", failed.StackStatusReason)
	}
	err = w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "s", RetainResources: []string{"Nope"}})
	wantError(t, err, "ValidationError", "Resource Nope does not exist for stack s")
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "s", RetainResources: []string{"First"}}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended(s.StackId), "DELETE_COMPLETE")
	n := 0
	for range state.LogGroups.All(w.db.Read(), "") {
		n++
	}
	if n != 2 || !strings.Contains(w.events(s.StackId), "Second DELETE_SKIPPED") || !strings.Contains(w.events(s.StackId), "First DELETE_SKIPPED") {
		t.Errorf("%d groups are left\n%s", n, w.events(s.StackId))
	}
}

// A stack can be deleted, and an update cancelled, while it waits.
func TestGivenUpWhileWaiting(t *testing.T) {
	w := newWorld(t)
	slow := strings.Replace(service, "DeploymentConfiguration: {DeploymentCircuitBreaker: {Enable: true, Rollback: false}}", "HealthCheckGracePeriodSeconds: 5", 1)
	slow = strings.Replace(slow, "      HealthCheckGracePeriodSeconds: 5\n", "", 1)
	w.failing = "CannotPullContainerError: not there"
	if _, err := w.api.CreateStack(w.ctx, &cloudformationapi.CreateStackInput{StackName: "s", TemplateBody: slow}); err != nil {
		t.Fatal(err)
	}
	w.until("Service CREATE_IN_PROGRESS Resource creation Initiated", "s")
	id := w.stack("s").ID
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "s"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended(id), "DELETE_COMPLETE")
	w.nothingLeft()

	w.setFailing("")
	w.expect(w.create("u", slow), "CREATE_COMPLETE")
	w.setFailing("CannotPullContainerError: not there")
	if _, err := w.api.UpdateStack(w.ctx, &cloudformationapi.UpdateStackInput{StackName: "u", TemplateBody: strings.Replace(slow, "Image: busybox", "Image: other", 1)}); err != nil {
		t.Fatal(err)
	}
	w.until("Service UPDATE_IN_PROGRESS", "u")
	if err := w.api.CancelUpdateStack(w.ctx, &cloudformationapi.CancelUpdateStackInput{StackName: "u"}); err != nil {
		t.Fatal(err)
	}
	w.until("u UPDATE_ROLLBACK_IN_PROGRESS", "u")
	w.setFailing("")
	w.expect(w.ended("u"), "UPDATE_ROLLBACK_COMPLETE")
}

func (w *world) setFailing(why string) {
	w.mu.Lock()
	w.failing = why
	w.mu.Unlock()
}

func (w *world) stack(name string) *state.Stack {
	for s := range state.Stacks.By(w.db.Read(), "name", state.Key(account, region, name)) {
		return s
	}
	w.t.Fatalf("no stack %s", name)
	return nil
}

// What clients ask of a template before they deploy it.
func TestSummaries(t *testing.T) {
	w := newWorld(t)
	url := w.put("p.template", w.example("parent.yml"))
	sum, err := w.api.GetTemplateSummary(w.ctx, &cloudformationapi.GetTemplateSummaryInput{TemplateURL: url})
	if err != nil || len(sum.Parameters) != 1 || sum.Parameters[0].ParameterKey != "ImageUri" || sum.DeclaredTransforms[0] != "AWS::Serverless-2016-10-31" || sum.ResourceTypes[0] != "AWS::CloudFormation::Stack" {
		t.Errorf("%+v %v", sum, err)
	}
	valid, err := w.api.ValidateTemplate(w.ctx, &cloudformationapi.ValidateTemplateInput{TemplateBody: w.example("cluster.yml")})
	if err != nil || len(valid.Capabilities) != 1 || valid.Capabilities[0] != "CAPABILITY_IAM" || valid.CapabilitiesReason != "The following resource(s) require capabilities: [AWS::IAM::Role]" {
		t.Errorf("%+v %v", valid, err)
	}
	_, err = w.api.ValidateTemplate(w.ctx, &cloudformationapi.ValidateTemplateInput{TemplateURL: "http://127.0.0.1:4566/staging/none"})
	wantError(t, err, "ValidationError", "S3 error: The specified key does not exist.")
}

const secretive = `
Parameters: {Password: {Type: String, NoEcho: true}}
Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Password}}}
`

func TestNoEcho(t *testing.T) {
	w := newWorld(t)
	s := w.create("s", secretive, "Password", "hunter22")
	w.expect(s, "CREATE_COMPLETE")
	if s.Parameters[0].ParameterValue != "****" || strings.Contains(w.eventText("s"), "hunter22") || !strings.Contains(w.eventText("s"), `"Value":"****"`) {
		t.Errorf("%+v %s", s.Parameters, w.eventText("s"))
	}
}

// A rollback that fails is gone on with once its cause is mended.
func TestContinueUpdateRollback(t *testing.T) {
	w := newWorld(t)
	w.expect(w.create("s", two), "CREATE_COMPLETE")
	retention := 0
	w.refuse["CloudWatch Logs PutRetentionPolicy"] = func() error {
		if retention++; retention == 2 {
			return wire.NewError("ServiceUnavailableException", 503, "later")
		}
		return nil
	}
	w.refuse["ECS CreateCluster"] = func() error { return wire.NewError("ClientException", 400, "no") }
	s := w.update("s", strings.Replace(two, "RetentionInDays: 5", "RetentionInDays: 30", 1)+"  Cluster: {Type: AWS::ECS::Cluster, DependsOn: Second}\n")
	w.expect(s, "UPDATE_ROLLBACK_FAILED")
	_, err := w.api.UpdateStack(w.ctx, &cloudformationapi.UpdateStackInput{StackName: "s", TemplateBody: two})
	wantError(t, err, "ValidationError", "is in UPDATE_ROLLBACK_FAILED state and can not be updated.")
	if _, err := w.api.ContinueUpdateRollback(w.ctx, &cloudformationapi.ContinueUpdateRollbackInput{StackName: "s"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended("s"), "UPDATE_ROLLBACK_COMPLETE")
	for g := range state.LogGroups.All(w.db.Read(), "") {
		if g.Name == "second" && g.RetentionInDays != 5 {
			t.Errorf("%+v", g)
		}
	}
}
