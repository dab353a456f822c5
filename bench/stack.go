package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/client"
)

// benchStack deploys examples/isolated-vpc by `neargate demo`'s parts and
// deletes it, and says how long each took.
func benchStack(ctx context.Context) error {
	s, err := startNeargate(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	for round := range 2 {
		name := "first, image pushed and unpacked"
		if round == 1 {
			name = "again, after deleting it"
		}
		started := time.Now()
		cmd := exec.CommandContext(ctx, "bin/neargate", "demo", "--data-dir", s.dataDir)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("neargate demo: %w\n%s", err, out)
		}
		deployed := regexp.MustCompile(`after ([0-9.]+) s`).FindSubmatch(out)
		if deployed == nil {
			return fmt.Errorf("neargate demo printed\n%s", out)
		}
		fmt.Printf("\nstack of 4 (%s): CREATE_COMPLETE with 2 tasks running after %s s (goal 1.5 s); whole command %s\n", name, deployed[1], time.Since(started).Round(time.Millisecond))
		cfn := cloudformationapi.NewClient(&client.Client{Endpoint: s.endpoint, Region: "us-east-1", Key: client.Operator})
		stack, err := cfn.DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: stackName})
		if err != nil {
			return err
		}
		id := stack.Stacks[0].StackId
		if err := breakdown(ctx, cfn, id, "CREATE"); err != nil {
			return err
		}
		deleted, err := deleteStack(ctx, cfn)
		if err != nil {
			return err
		}
		fmt.Printf("deleted after %s\n", deleted.Round(time.Millisecond))
		if err := breakdown(ctx, cfn, id, "DELETE"); err != nil {
			return err
		}
	}
	return nil
}

// stackName is what `neargate demo` deploys.
const stackName = "neargate-demo"

func deleteStack(ctx context.Context, cfn cloudformationapi.API) (time.Duration, error) {
	started := time.Now()
	if err := cfn.DeleteStack(ctx, &cloudformationapi.DeleteStackInput{StackName: stackName}); err != nil {
		return 0, err
	}
	for ctx.Err() == nil && time.Since(started) < time.Minute {
		if _, err := cfn.DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: stackName}); err != nil {
			return time.Since(started), nil // it does not exist any more
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, fmt.Errorf("the stack is still there after a minute")
}
