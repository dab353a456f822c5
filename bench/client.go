package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/client"
)

// tasks runs tasks in an account of its own on a server.
type tasks struct {
	*server
	*client.Client
	ecs    ecsapi.API
	dir    string
	subnet string
}

func newTasks(s *server) (*tasks, error) {
	_, key, secret, err := s.account()
	if err != nil {
		return nil, err
	}
	c := &client.Client{Endpoint: s.endpoint, Region: "us-east-1", Key: sigv4.Credentials{AccessKeyID: key, SecretAccessKey: secret}}
	return &tasks{server: s, Client: c, ecs: ecsapi.NewClient(c), dir: filepath.Dir(s.dataDir)}, nil
}

// defaultSubnet returns a subnet of the account's default VPC.
func (t *tasks) defaultSubnet(ctx context.Context) (string, error) {
	out, err := ec2api.NewClient(t.Client).DescribeSubnets(ctx, &ec2api.DescribeSubnetsRequest{})
	if err != nil {
		return "", err
	}
	if len(out.Subnets) == 0 {
		return "", errors.New("no default subnet")
	}
	return out.Subnets[0].SubnetId, nil
}
