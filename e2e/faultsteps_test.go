package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
)

// deploy runs `neargate deploy` until the stack has reached the status wanted.
func (f *faulty) deploy(memory, status string) {
	f.t.Helper()
	image := "000000000000.dkr.ecr.us-east-1.amazonaws.com/neargate-demo:1"
	app := filepath.Join(f.dir, "isolated-vpc", "app.yml")
	text, err := os.ReadFile(app)
	if err != nil {
		f.t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "  Memory: {") {
			lines[i] = "  Memory: { Type: Number, Default: " + memory + " }\n"
		}
	}
	if err := os.WriteFile(app, []byte(strings.Join(lines, "")), 0o644); err != nil {
		f.t.Fatal(err)
	}
	f.until("deploying with memory "+memory, func(ctx context.Context) (bool, error) {
		out, err := f.cfn.DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: "faulty"})
		if err == nil {
			now := string(out.Stacks[0].StackStatus)
			if now == status && f.runs(ctx, memory) {
				return true, nil
			}
			if strings.Contains(now, "IN_PROGRESS") && now != "REVIEW_IN_PROGRESS" {
				return false, fmt.Errorf("the stack is %s", now)
			}
			if strings.Contains(now, "ROLLBACK") || strings.Contains(now, "FAILED") {
				f.t.Fatalf("the stack is %s: %s\n%s", now, out.Stacks[0].StackStatusReason, f.logTail())
			}
		} else if !strings.Contains(err.Error(), "does not exist") {
			return false, err
		}
		cmd := f.command("deploy", filepath.Join(f.dir, "isolated-vpc", "main.yml"), "--stack-name", "faulty", "--parameter", "Image="+image)
		text, err := runWithin(ctx, cmd)
		return false, fmt.Errorf("%v: %s", err, text)
	})
}

// runWithin runs a command that is killed when ctx ends.
func runWithin(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	return cmd.CombinedOutput()
}

// remove deletes the stack and checks that nothing is left.
func (f *faulty) remove() {
	f.t.Helper()
	f.until("deleting", func(ctx context.Context) (bool, error) {
		out, err := f.cfn.DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: "faulty"})
		if err != nil {
			return strings.Contains(err.Error(), "does not exist"), err
		}
		if status := string(out.Stacks[0].StackStatus); strings.HasPrefix(status, "DELETE_IN_PROGRESS") {
			return false, fmt.Errorf("the stack is %s", status)
		}
		return false, f.cfn.DeleteStack(ctx, &cloudformationapi.DeleteStackInput{StackName: "faulty"})
	})
}
