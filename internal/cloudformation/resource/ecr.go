package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/state"
)

// repository is AWS::ECR::Repository.
type repository struct{}

var repositorySchema = &Schema{
	Type: "AWS::ECR::Repository",
	Properties: Properties{
		"RepositoryName": String.Replaces(), "ImageTagMutability": String, "EmptyOnDelete": Boolean, "RepositoryPolicyText": Document,
		"ImageScanningConfiguration": Object(Properties{"ScanOnPush": Boolean}),
		"EncryptionConfiguration":    Object(Properties{"EncryptionType": String.Required(), "KmsKey": String}).Replaces(),
		"LifecyclePolicy":            Object(Properties{"LifecyclePolicyText": String, "RegistryId": String}),
		"Tags":                       Tags,
	},
	Attributes: []string{"Arn", "RepositoryUri"},
	Name:       "RepositoryName",
}

// Schema is the type's schema.
func (repository) Schema() *Schema { return repositorySchema }

func (r *Request) ecr() ecrapi.API { return ecrapi.NewClient(r.Invoker) }

func ecrTags(tags []state.Tag) []ecrapi.Tag {
	var out []ecrapi.Tag
	for _, t := range tags {
		out = append(out, ecrapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// Create makes the repository and its policies.
func (repository) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &ecrapi.CreateRepositoryRequest{Tags: ecrTags(r.allTags(r.Properties.Get("Tags")))}
		if err := bind(r.Properties, in, "Tags", "EmptyOnDelete", "RepositoryPolicyText", "LifecyclePolicy"); err != nil {
			return Result{}, err
		}
		if in.RepositoryName == "" {
			in.RepositoryName = r.LowerName(256)
		}
		if _, err := r.ecr().CreateRepository(ctx, in); err != nil && !(r.Retry && isCode(err, "RepositoryAlreadyExistsException")) {
			return Result{}, err
		}
		r.PhysicalID = in.RepositoryName
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	has := func(name string) bool { return r.Properties.Get(name) != nil }
	if err := r.repositoryPolicies(ctx, has); err != nil {
		return Result{}, err
	}
	return repositoryResult(ctx, r)
}

func (r *Request) repositoryPolicies(ctx context.Context, changed func(string) bool) error {
	if changed("RepositoryPolicyText") {
		var err error
		if policy := r.Properties.Get("RepositoryPolicyText"); policy != nil {
			_, err = r.ecr().SetRepositoryPolicy(ctx, &ecrapi.SetRepositoryPolicyRequest{RepositoryName: r.PhysicalID, PolicyText: policy.JSON()})
		} else {
			_, err = r.ecr().DeleteRepositoryPolicy(ctx, &ecrapi.DeleteRepositoryPolicyRequest{RepositoryName: r.PhysicalID})
			err = gone(err, "RepositoryPolicyNotFoundException")
		}
		if err != nil {
			return err
		}
	}
	if !changed("LifecyclePolicy") {
		return nil
	}
	if text := r.Properties.Get("LifecyclePolicy").Get("LifecyclePolicyText").Str(); text != "" {
		_, err := r.ecr().PutLifecyclePolicy(ctx, &ecrapi.PutLifecyclePolicyRequest{RepositoryName: r.PhysicalID, LifecyclePolicyText: text})
		return err
	}
	_, err := r.ecr().DeleteLifecyclePolicy(ctx, &ecrapi.DeleteLifecyclePolicyRequest{RepositoryName: r.PhysicalID})
	return gone(err, "LifecyclePolicyNotFoundException")
}

// Update changes settings, policies and tags.
func (repository) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("ImageTagMutability") {
		in := &ecrapi.PutImageTagMutabilityRequest{RepositoryName: r.PhysicalID, ImageTagMutability: ecrapi.ImageTagMutability(r.Or("ImageTagMutability", "MUTABLE"))}
		if _, err := r.ecr().PutImageTagMutability(ctx, in); err != nil {
			return Result{}, err
		}
	}
	if r.Changed("ImageScanningConfiguration") {
		in := &ecrapi.PutImageScanningConfigurationRequest{RepositoryName: r.PhysicalID, ImageScanningConfiguration: &ecrapi.ImageScanningConfiguration{}}
		if given := r.Properties.Get("ImageScanningConfiguration"); given != nil {
			if err := bind(given, in.ImageScanningConfiguration); err != nil {
				return Result{}, err
			}
		}
		if _, err := r.ecr().PutImageScanningConfiguration(ctx, in); err != nil {
			return Result{}, err
		}
	}
	if err := r.repositoryPolicies(ctx, r.Changed); err != nil {
		return Result{}, err
	}
	result, err := repositoryResult(ctx, r)
	if err != nil {
		return Result{}, err
	}
	arn := result.Attributes["Arn"].Text
	set, removed := r.tagChange()
	if set != nil {
		if _, err := r.ecr().TagResource(ctx, &ecrapi.TagResourceRequest{ResourceArn: arn, Tags: ecrTags(set)}); err != nil {
			return Result{}, err
		}
	}
	if removed != nil {
		if _, err := r.ecr().UntagResource(ctx, &ecrapi.UntagResourceRequest{ResourceArn: arn, TagKeys: removed}); err != nil {
			return Result{}, err
		}
	}
	return result, nil
}

func repositoryResult(ctx context.Context, r *Request) (Result, error) {
	out, err := r.ecr().DescribeRepositories(ctx, &ecrapi.DescribeRepositoriesRequest{RepositoryNames: []string{r.PhysicalID}})
	if err != nil {
		return Result{}, err
	}
	if len(out.Repositories) == 0 {
		return Result{}, &Failure{Code: "NotFound", Message: "The repository " + r.PhysicalID + " does not exist"}
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", out.Repositories[0].RepositoryArn, "RepositoryUri", out.Repositories[0].RepositoryUri)}, nil
}

// Delete deletes the repository; with images in it only when EmptyOnDelete says so.
func (repository) Delete(ctx context.Context, r *Request) error {
	force := r.Flag("EmptyOnDelete")
	_, err := r.ecr().DeleteRepository(ctx, &ecrapi.DeleteRepositoryRequest{RepositoryName: r.PhysicalID, Force: force != nil && *force})
	return gone(err, "RepositoryNotFoundException")
}
