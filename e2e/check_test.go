package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/neargate/neargate/internal/check"
)

// asYet are the rows whose template is fine for AWS, or whose parameter only needs
// a value: check takes care not to call them wrong.
var asYet = []string{"type that is not carried out", "custom resource", "property that is not carried out", "unknown property", "parameter without value", "more than 51,200 bytes"}

// TestCheckAgreesOnTemplates: what CreateStack refuses, check calls an error.
func TestCheckAgreesOnTemplates(t *testing.T) {
	t.Parallel()
	for _, b := range badTemplates {
		r, err := check.Check(t.Context(), check.Options{Files: fstest.MapFS{"t.yml": &fstest.MapFile{Data: []byte(b.text)}}, Path: "t.yml"})
		if err != nil {
			t.Errorf("%s: %v", b.name, err)
			continue
		}
		if fine := r.Count(check.Error) == 0; fine != slices.Contains(asYet, b.name) {
			t.Errorf("%s: %d errors", b.name, r.Count(check.Error))
		}
	}
}

// stack is what the templates of TestCheckAgrees have in common: a cluster, a log
// group, a role, and a task definition that logs.
const checkedStack = `Resources:
  Cluster: { Type: AWS::ECS::Cluster, Properties: { ClusterName: tests } }
  Group: { Type: AWS::Logs::LogGroup, Properties: { LogGroupName: checked } }
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: checked
      AssumeRolePolicyDocument: { Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: 'sts:AssumeRole' }] }
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy']
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: checked
      Cpu: 256
      Memory: 512
      NetworkMode: awsvpc
      RequiresCompatibilities: [FARGATE]
      ExecutionRoleArn: !GetAtt Role.Arn
      ContainerDefinitions:
        - Name: app
          Image: IMAGE
          Command: [sh, -c, 'echo here']
          LogConfiguration:
            LogDriver: awslogs
            Options: { awslogs-group: !Ref Group, awslogs-region: !Ref AWS::Region, awslogs-stream-prefix: p }
`

// TestCheckAgrees deploys small templates, good and bad, and runs their task:
// what happens is what check said, and why finds the same code.
func TestCheckAgrees(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	image := a.push(busyboxArchive(t, a.dir, "sh"), "app", "1")
	for _, row := range []struct{ name, old, new, code, message string }{
		{name: "good"},
		{"no log group", "awslogs-group: !Ref Group", "awslogs-group: elsewhere", "logs.no-group", ""},
		{"empty role", "      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy']\n", "", "iam.exec-ecr", ""},
		{"size of no task", "Memory: 512", "Memory: 513", "ecs.fargate-size", "No Fargate configuration exists for given values: 256 CPU, 513 memory."},
		{"service of no endpoint", "  Cluster:", "  VPC: { Type: AWS::EC2::VPC, Properties: { CidrBlock: 10.9.0.0/16 } }\n  Endpoint: { Type: AWS::EC2::VPCEndpoint, Properties: { VpcEndpointType: Interface, VpcId: !Ref VPC, ServiceName: !Sub 'com.amazonaws.${AWS::Region}.systemsmanager' } }\n  Cluster:",
			"net.endpoint-service", "systemsmanager' does not exist"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := a.in(t)
			text := strings.ReplaceAll(strings.Replace(checkedStack, row.old, row.new, 1), "IMAGE", image)
			path := a.write("checked.yml", text)
			codes := a.checked(path)
			if row.code == "" && codes != nil || row.code != "" && !slices.Contains(codes, row.code) {
				t.Errorf("check finds %q, want %q", codes, row.code)
			}
			r := a.try("aws", "cloudformation", "deploy", "--template-file", path, "--stack-name", "checked", "--capabilities", "CAPABILITY_NAMED_IAM")
			defer a.gone("checked")
			if (r.code == 0) != (row.message == "") {
				t.Fatalf("deploy: exit code %d: %s", r.code, r.out)
			}
			if row.message != "" {
				if events := a.aws("cloudformation", "describe-stack-events", "--stack-name", "checked"); !strings.Contains(events, row.message) {
					t.Errorf("no event says %q:\n%s", row.message, events)
				}
				return
			}
			stopped := a.runTask("checked", "STOPPED")
			if row.code == "" && stopped.StopCode != "EssentialContainerExited" {
				t.Errorf("the task stopped with %s: %s", stopped.StopCode, stopped.StoppedReason)
			} else if row.code != "" {
				a.why(stopped.id(), row.code)
			}
		})
	}
}

// checked returns the codes of the errors that check finds for this account.
func (a *account) checked(path string) []string {
	a.t.Helper()
	r, err := check.Check(a.t.Context(), check.Options{Files: os.DirFS(filepath.Dir(path)), Path: filepath.Base(path), Account: a.ID, Region: a.Region})
	if err != nil {
		a.t.Fatal(err)
	}
	var codes []string
	for _, f := range r.Findings {
		if f.Severity == check.Error {
			codes = append(codes, f.Code)
		}
		a.t.Logf("%s:%d %s %s: %s", f.File, f.Line, f.Severity, f.Code, f.Message)
	}
	return codes
}
