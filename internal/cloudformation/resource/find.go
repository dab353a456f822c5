package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// Finder is a type whose resources can be found by the name that a template
// gives them, and so be imported: Create, told to Retry, takes what is there.
type Finder interface {
	// Find returns the physical id of the resource of that name, "" when there is none.
	Find(ctx context.Context, r *Request, name string) (string, error)
}

// Reader is a type with attributes that other resources change: they are read when
// they are asked for.
type Reader interface {
	// Read returns an attribute of r.PhysicalID; false for one that nobody else changes.
	Read(ctx context.Context, r *Request, attribute string) (*template.Value, bool, error)
}

// lookedUp answers a look-up: missing are the codes of what is not there.
func lookedUp(id string, err error, missing ...string) (string, error) {
	if err != nil {
		return "", gone(err, missing...)
	}
	return id, nil
}

// Find implements Finder.
func (logGroup) Find(ctx context.Context, r *Request, name string) (string, error) {
	out, err := r.logs().DescribeLogGroups(ctx, &logsapi.DescribeLogGroupsRequest{LogGroupNamePrefix: name})
	if err != nil {
		return "", err
	}
	for _, g := range out.LogGroups {
		if g.LogGroupName == name {
			return name, nil
		}
	}
	return "", nil
}

// Find implements Finder.
func (bucket) Find(ctx context.Context, r *Request, name string) (string, error) {
	_, err := r.s3().HeadBucket(ctx, &s3api.HeadBucketRequest{Bucket: name, ExpectedBucketOwner: r.Account})
	return lookedUp(name, err, "NotFound", "NoSuchBucket", "Forbidden", "AccessDenied")
}

// Find implements Finder.
func (repository) Find(ctx context.Context, r *Request, name string) (string, error) {
	_, err := r.ecr().DescribeRepositories(ctx, &ecrapi.DescribeRepositoriesRequest{RepositoryNames: []string{name}})
	return lookedUp(name, err, "RepositoryNotFoundException")
}

// Find implements Finder.
func (ecsCluster) Find(ctx context.Context, r *Request, name string) (string, error) {
	out, err := r.ecs().DescribeClusters(ctx, &ecsapi.DescribeClustersRequest{Clusters: []string{name}})
	if err != nil || len(out.Clusters) == 0 || out.Clusters[0].Status != "ACTIVE" {
		return "", err
	}
	return name, nil
}

// Find implements Finder.
func (iamRole) Find(ctx context.Context, r *Request, name string) (string, error) {
	_, err := r.iam().GetRole(ctx, &iamapi.GetRoleRequest{RoleName: name})
	return lookedUp(name, err, "NoSuchEntity")
}

// Find implements Finder.
func (iamManagedPolicy) Find(ctx context.Context, r *Request, name string) (string, error) {
	arn := "arn:aws:iam::" + r.Account + ":policy" + r.Or("Path", "/") + name
	_, err := r.iam().GetPolicy(ctx, &iamapi.GetPolicyRequest{PolicyArn: arn})
	return lookedUp(arn, err, "NoSuchEntity")
}

// Find implements Finder.
func (secret) Find(ctx context.Context, r *Request, name string) (string, error) {
	out, err := r.secrets().DescribeSecret(ctx, &secretsmanagerapi.DescribeSecretRequest{SecretId: name})
	if err != nil || !out.DeletedDate.IsZero() {
		return lookedUp("", err, "ResourceNotFoundException")
	}
	return out.ARN, nil
}

// Find implements Finder.
func (parameter) Find(ctx context.Context, r *Request, name string) (string, error) {
	_, err := r.ssm().GetParameter(ctx, &ssmapi.GetParameterRequest{Name: name})
	return lookedUp(name, err, "ParameterNotFound")
}
