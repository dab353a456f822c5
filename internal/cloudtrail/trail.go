package cloudtrail

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// maxTrails is AWS's quota per region.
const maxTrails = 5

// extras are properties of CreateTrail and UpdateTrail that are refused.
type extras struct {
	topic, group, role, key  string
	validation, organization bool
}

func (e extras) refuse() error {
	switch {
	case e.topic != "":
		return refused("SnsTopicName")
	case e.group != "" || e.role != "":
		return refused("CloudWatchLogsLogGroupArn")
	case e.key != "":
		return refused("KmsKeyId")
	case e.validation:
		return refused("EnableLogFileValidation")
	case e.organization:
		return refused("IsOrganizationTrail")
	}
	return nil
}

// CreateTrail makes a trail, which delivers nothing before StartLogging.
func (s *Service) CreateTrail(ctx context.Context, in *cloudtrailapi.CreateTrailRequest) (*cloudtrailapi.CreateTrailResponse, error) {
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	if err := (extras{in.SnsTopicName, in.CloudWatchLogsLogGroupArn, in.CloudWatchLogsRoleArn, in.KmsKeyId, in.EnableLogFileValidation, in.IsOrganizationTrail}).refuse(); err != nil {
		return nil, err
	}
	id := caller.From(ctx)
	t := &state.Trail{
		Account: id.Account, Region: id.Region, Name: in.Name, Bucket: in.S3BucketName, Prefix: in.S3KeyPrefix,
		GlobalEvents: in.IncludeGlobalServiceEvents == nil || *in.IncludeGlobalServiceEvents, MultiRegion: in.IsMultiRegionTrail,
	}
	if t.MultiRegion && !t.GlobalEvents {
		return nil, &cloudtrailapi.InvalidParameterCombinationException{Message: "Multi-Region trail must include global service events."}
	}
	if err := addTags(t, in.TagsList); err != nil {
		return nil, err
	}
	if err := s.checkBucket(ctx, t); err != nil {
		return nil, err
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, taken := state.Trails.Get(tx, t.Key()); taken {
			return &cloudtrailapi.TrailAlreadyExistsException{Message: "Trail " + t.Name + " already exists for customer: " + t.Account}
		}
		n := 0
		for range state.Trails.All(tx, state.Prefix(id.Account, id.Region)) {
			n++
		}
		if n >= maxTrails {
			return &cloudtrailapi.MaximumNumberOfTrailsExceededException{Message: "User: " + id.Account + " already has " + strconv.Itoa(n) + " trails in " + id.Region + "."}
		}
		state.Trails.Put(tx, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudtrailapi.CreateTrailResponse{
		Name: t.Name, S3BucketName: t.Bucket, S3KeyPrefix: t.Prefix, IncludeGlobalServiceEvents: t.GlobalEvents, IsMultiRegionTrail: t.MultiRegion, TrailARN: t.ARN(),
	}, nil
}

// UpdateTrail changes what is given.
func (s *Service) UpdateTrail(ctx context.Context, in *cloudtrailapi.UpdateTrailRequest) (*cloudtrailapi.UpdateTrailResponse, error) {
	if err := (extras{in.SnsTopicName, in.CloudWatchLogsLogGroupArn, in.CloudWatchLogsRoleArn, in.KmsKeyId, in.EnableLogFileValidation, in.IsOrganizationTrail}).refuse(); err != nil {
		return nil, err
	}
	apply := func(t *state.Trail) error {
		if in.S3BucketName != "" {
			t.Bucket = in.S3BucketName
		}
		if in.S3KeyPrefix != "" {
			t.Prefix = in.S3KeyPrefix
		}
		if in.IncludeGlobalServiceEvents != nil {
			t.GlobalEvents = *in.IncludeGlobalServiceEvents
		}
		if in.IsMultiRegionTrail != nil {
			t.MultiRegion = *in.IsMultiRegionTrail
		}
		if t.MultiRegion && !t.GlobalEvents {
			return &cloudtrailapi.InvalidParameterCombinationException{Message: "Multi-Region trail must include global service events."}
		}
		return nil
	}
	old, err := s.home(s.DB.Read(), caller.From(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	planned := *old
	if err := apply(&planned); err != nil {
		return nil, err
	}
	if err := s.checkBucket(ctx, &planned); err != nil {
		return nil, err
	}
	t, err := s.update(ctx, in.Name, apply)
	if err != nil {
		return nil, err
	}
	return &cloudtrailapi.UpdateTrailResponse{
		Name: t.Name, S3BucketName: t.Bucket, S3KeyPrefix: t.Prefix, IncludeGlobalServiceEvents: t.GlobalEvents, IsMultiRegionTrail: t.MultiRegion, TrailARN: t.ARN(),
	}, nil
}

// checkBucket proves that the bucket is there and takes the trail's files.
func (s *Service) checkBucket(ctx context.Context, t *state.Trail) error {
	err := s.probe(ctx, t)
	var known wire.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known) && known.ErrorCode() == "NoSuchBucket":
		return &cloudtrailapi.S3BucketDoesNotExistException{Message: "S3 bucket " + t.Bucket + " does not exist!"}
	case errors.As(err, &known) && known.HTTPStatus() == 403:
		return &cloudtrailapi.InsufficientS3BucketPolicyException{Message: "Incorrect S3 bucket policy is detected for bucket: " + t.Bucket}
	case errors.As(err, &known) && known.ErrorCode() == "InvalidBucketName":
		return &cloudtrailapi.InvalidS3BucketNameException{Message: known.ErrorMessage()}
	}
	return err
}

// DeleteTrail deletes a trail; its files stay.
func (s *Service) DeleteTrail(ctx context.Context, in *cloudtrailapi.DeleteTrailRequest) (*cloudtrailapi.DeleteTrailResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := s.home(tx, caller.From(ctx), in.Name)
		if err != nil {
			return err
		}
		state.Trails.Delete(tx, t.Key())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudtrailapi.DeleteTrailResponse{}, nil
}

// GetTrail describes a trail.
func (s *Service) GetTrail(ctx context.Context, in *cloudtrailapi.GetTrailRequest) (*cloudtrailapi.GetTrailResponse, error) {
	t, err := s.find(s.DB.Read(), caller.From(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	described := describe(t)
	return &cloudtrailapi.GetTrailResponse{Trail: &described}, nil
}

// DescribeTrails describes trails of this region, and those of others that
// cover it; names that are not there are left out.
func (s *Service) DescribeTrails(ctx context.Context, in *cloudtrailapi.DescribeTrailsRequest) (*cloudtrailapi.DescribeTrailsResponse, error) {
	id, tx := caller.From(ctx), s.DB.Read()
	out := &cloudtrailapi.DescribeTrailsResponse{TrailList: []cloudtrailapi.Trail{}}
	for _, name := range in.TrailNameList {
		if t, err := s.find(tx, id, name); err == nil {
			out.TrailList = append(out.TrailList, describe(t))
		}
	}
	if len(in.TrailNameList) > 0 {
		return out, nil
	}
	shadows := in.IncludeShadowTrails == nil || *in.IncludeShadowTrails
	for t := range state.Trails.All(tx, id.Account+"/") {
		if t.Region == id.Region || t.MultiRegion && shadows {
			out.TrailList = append(out.TrailList, describe(t))
		}
	}
	return out, nil
}

// ListTrails lists the account's trails of all regions.
func (s *Service) ListTrails(ctx context.Context, _ *cloudtrailapi.ListTrailsRequest) (*cloudtrailapi.ListTrailsResponse, error) {
	out := &cloudtrailapi.ListTrailsResponse{Trails: []cloudtrailapi.TrailInfo{}}
	for t := range state.Trails.All(s.DB.Read(), caller.From(ctx).Account+"/") {
		out.Trails = append(out.Trails, cloudtrailapi.TrailInfo{TrailARN: t.ARN(), Name: t.Name, HomeRegion: t.Region})
	}
	slices.SortFunc(out.Trails, func(a, b cloudtrailapi.TrailInfo) int { return cmp.Compare(a.TrailARN, b.TrailARN) })
	return out, nil
}

func describe(t *state.Trail) cloudtrailapi.Trail {
	return cloudtrailapi.Trail{
		Name: t.Name, S3BucketName: t.Bucket, S3KeyPrefix: t.Prefix, IncludeGlobalServiceEvents: t.GlobalEvents, IsMultiRegionTrail: t.MultiRegion,
		HomeRegion: t.Region, TrailARN: t.ARN(), HasCustomEventSelectors: t.Selectors != nil,
	}
}
