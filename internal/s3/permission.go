package s3

import (
	"context"
	"errors"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

func objectARN(bucket, key string) string { return "arn:aws:s3:::" + bucket + "/" + key }

// allow asks whether the caller may do something with an object, for requests
// whose action depends on what is in them.
func (s *Service) allow(ctx context.Context, action, bucket, key string, conditions map[string][]string) error {
	return s.Checker.Check(ctx, action, objectARN(bucket, key), conditions)
}

// versioned is the action on an object, or on one of its versions.
func versioned(action, versionAction, version string) string {
	if version != "" {
		return versionAction
	}
	return action
}

func versionCondition(version string) map[string][]string {
	if version == "" {
		return nil
	}
	return map[string][]string{"s3:VersionId": {version}}
}

// hide answers a request for an object that does not exist: who may not list
// the bucket is not told so.
func (s *Service) hide(ctx context.Context, b *state.Bucket, key string, err error) error {
	var e wire.Error
	if !errors.As(err, &e) || e.ErrorCode() != "NoSuchKey" {
		return err
	}
	if denied := s.Checker.Check(ctx, "s3:ListBucket", b.ARN(), map[string][]string{"s3:prefix": {key}}); denied != nil {
		return denied
	}
	return err
}
