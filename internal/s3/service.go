package s3

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Config is what the service is made of.
type Config struct {
	DB      *store.DB
	Objects *blob.Objects
	Checker authorize.Checker
	Now     func() time.Time // time.Now when nil
	Log     *slog.Logger
}

// Service is Amazon S3. Its methods are the generated API.
type Service struct{ Config }

var _ s3api.API = (*Service)(nil)

// New returns the service. It first removes the files that a crash left without
// a record: from here on a file is there before its record.
func New(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Service{c}
	return s, s.sweep()
}

func (s *Service) logError(ctx context.Context, what string, err error) {
	if s.Log != nil {
		s.Log.ErrorContext(ctx, what, "service", "s3", "error", err)
	}
}

// discard removes files that no record refers to any more. What cannot be
// removed now is swept at the next start.
func (s *Service) discard(ctx context.Context, files ...string) {
	for _, file := range files {
		if err := s.Objects.Delete(file); err != nil {
			s.logError(ctx, "removing an object file", err)
		}
	}
}

// bucket finds the bucket of a request and checks what concerns all requests to
// one: where it is, whose it is, and whom the caller takes for its owner.
func (s *Service) bucket(ctx context.Context, tx *store.Tx, name, expectedOwner string) (*state.Bucket, error) {
	b, err := s.anyRegion(ctx, tx, name, expectedOwner)
	if err != nil {
		return nil, err
	}
	if id := caller.From(ctx); id.Region != b.Region && id.Type != caller.Anonymous {
		return nil, errWrongRegion(b)
	}
	return b, nil
}

func (s *Service) anyRegion(ctx context.Context, tx *store.Tx, name, expectedOwner string) (*state.Bucket, error) {
	b, ok := state.Buckets.Get(tx, name)
	if !ok {
		return nil, errNoSuchBucket(name)
	}
	if expectedOwner != "" && !isAccountID(expectedOwner) {
		return nil, errDetailed("InvalidBucketOwnerAWSAccountID", 400, "The value of the expected bucket owner parameter must be an AWS Account ID... ["+expectedOwner+"]")
	}
	if expectedOwner != "" && expectedOwner != b.Account {
		return nil, errAccessDenied()
	}
	// Only a bucket policy opens a bucket to other accounts and to the public.
	if id := caller.From(ctx); id.Account != b.Account && id.Type != caller.Service && (b.Policy == "" || restricted(b)) {
		return nil, errAccessDenied()
	}
	return b, nil
}

// restricted says whether the block of public access keeps others out of a
// bucket because its policy is public.
func restricted(b *state.Bucket) bool {
	return b.PublicAccessBlock != nil && b.PublicAccessBlock.RestrictPublicBuckets && isPublic(b.Policy)
}

func isAccountID(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 12
}

// change updates a bucket's record in one transaction.
func (s *Service) change(ctx context.Context, name, expectedOwner string, change func(*state.Bucket) error) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		b, err := s.bucket(ctx, tx, name, expectedOwner)
		if err != nil {
			return err
		}
		changed := *b
		if err := change(&changed); err != nil {
			return err
		}
		state.Buckets.Put(tx, &changed)
		return nil
	})
}

// sweep removes object files without a record.
func (s *Service) sweep() error {
	var files []string
	for file, err := range s.Objects.All() {
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	used := map[string]bool{}
	tx := s.DB.Read()
	for v := range state.ObjectVersions.All(tx, "") {
		for _, segment := range v.Segments {
			used[segment.File] = true
		}
	}
	for p := range state.UploadParts.All(tx, "") {
		used[p.File] = true
	}
	var problems []error
	for _, file := range files {
		if !used[file] {
			problems = append(problems, s.Objects.Delete(file))
		}
	}
	return errors.Join(problems...)
}
