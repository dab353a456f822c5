package ecr

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const pullers = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}`

const account, region = "111122223333", "eu-west-1"

// checker denies the actions in it, and remembers what it was asked.
type checker struct {
	denied map[string]bool
	asked  []string
}

func (c *checker) Check(ctx context.Context, action, resource string, _ map[string][]string) error {
	c.asked = append(c.asked, action+" "+resource)
	if c.denied[action] {
		return wire.NewError("AccessDeniedException", 400, "User: %s is not authorized to perform: %s on resource: %s", caller.From(ctx).ARN, action, resource)
	}
	return nil
}

type fixture struct {
	*Service
	checker *checker
	now     time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	db, err := store.OpenMemory(state.Repositories, state.Images, state.Layers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	blobs, err := blob.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{checker: &checker{denied: map[string]bool{}}, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	f.Service, err = New(Config{DB: db, Blobs: blobs, Checker: f.checker, Key: []byte("secret"), Now: func() time.Time { return f.now }})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func operator() context.Context {
	return caller.With(context.Background(), caller.ForRoot(account, region))
}

func role(vpc string) caller.Identity {
	return caller.Identity{
		Account: account, Region: region, Type: caller.AssumedRole, SourceVPC: vpc,
		ARN: "arn:aws:sts::" + account + ":assumed-role/exec/task", RoleARN: "arn:aws:iam::" + account + ":role/exec",
	}
}

func create(t *testing.T, f *fixture, name string) {
	t.Helper()
	if _, err := f.CreateRepository(operator(), &ecrapi.CreateRepositoryRequest{RepositoryName: name}); err != nil {
		t.Fatal(err)
	}
}

// layer uploads a layer through the API, in parts.
func layer(t *testing.T, f *fixture, repository, content string) string {
	t.Helper()
	ctx := operator()
	up, err := f.InitiateLayerUpload(ctx, &ecrapi.InitiateLayerUploadRequest{RepositoryName: repository})
	if err != nil {
		t.Fatal(err)
	}
	half := len(content) / 2
	for _, part := range [][2]int{{0, half}, {half, len(content)}} {
		_, err = f.UploadLayerPart(ctx, &ecrapi.UploadLayerPartRequest{
			RepositoryName: repository, UploadId: up.UploadId, PartFirstByte: int64(part[0]), PartLastByte: int64(part[1] - 1), LayerPartBlob: []byte(content[part[0]:part[1]]),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	d := digest.FromString(content).String()
	if _, err := f.CompleteLayerUpload(ctx, &ecrapi.CompleteLayerUploadRequest{RepositoryName: repository, UploadId: up.UploadId, LayerDigests: []string{d}}); err != nil {
		var exists *ecrapi.LayerAlreadyExistsException
		if !errors.As(err, &exists) {
			t.Fatal(err)
		}
	}
	return d
}

func manifest(config, layerDigest string, size int) string {
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":2},"layers":[{"mediaType":%q,"digest":%q,"size":%d}]}`,
		ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig, config, ocispec.MediaTypeImageLayer, layerDigest, size)
}

// image makes an image of one layer through the API and returns its digest.
func image(t *testing.T, f *fixture, repository, content, tag string) string {
	t.Helper()
	text := manifest(layer(t, f, repository, "{}"), layer(t, f, repository, content), len(content))
	out, err := f.PutImage(operator(), &ecrapi.PutImageRequest{RepositoryName: repository, ImageManifest: text, ImageTag: tag})
	if err != nil {
		t.Fatal(err)
	}
	return out.Image.ImageId.ImageDigest
}

func wantError(t *testing.T, err error, code, text string) {
	t.Helper()
	var e wire.Error
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("got %v, want %s: %s", err, code, text)
	}
}

func TestRepositories(t *testing.T) {
	f := newFixture(t)
	ctx := operator()
	out, err := f.CreateRepository(ctx, &ecrapi.CreateRepositoryRequest{RepositoryName: "team/app", Tags: []ecrapi.Tag{{Key: "a", Value: "b"}}})
	if err != nil {
		t.Fatal(err)
	}
	r := out.Repository
	if r.RepositoryUri != "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/app" || r.RepositoryArn != "arn:aws:ecr:eu-west-1:111122223333:repository/team/app" || r.ImageTagMutability != "MUTABLE" {
		t.Errorf("%+v", r)
	}
	_, err = f.CreateRepository(ctx, &ecrapi.CreateRepositoryRequest{RepositoryName: "team/app"})
	wantError(t, err, "RepositoryAlreadyExistsException", "The repository with name 'team/app' already exists in the registry with id '111122223333'")
	for what, in := range map[string]*ecrapi.CreateRepositoryRequest{
		"scanning is not carried out": {RepositoryName: "x1", ImageScanningConfiguration: &ecrapi.ImageScanningConfiguration{ScanOnPush: true}},
		"KMS is not carried out":      {RepositoryName: "x1", EncryptionConfiguration: &ecrapi.EncryptionConfiguration{EncryptionType: "KMS"}},
		"must satisfy regular":        {RepositoryName: "x//1"},
		"only with, a mutability":     {RepositoryName: "x1", ImageTagMutability: "IMMUTABLE_WITH_EXCLUSION"},
	} {
		_, err = f.CreateRepository(ctx, in)
		wantError(t, err, "InvalidParameterException", what)
	}
	for i := range 5 {
		create(t, f, fmt.Sprintf("repo%d", i))
	}
	var names []string
	two := int32(2)
	for token := ""; ; {
		page, err := f.DescribeRepositories(ctx, &ecrapi.DescribeRepositoriesRequest{MaxResults: &two, NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Repositories {
			names = append(names, r.RepositoryName)
		}
		if token = page.NextToken; token == "" {
			break
		}
	}
	if strings.Join(names, " ") != "repo0 repo1 repo2 repo3 repo4 team/app" {
		t.Error(names)
	}
	_, err = f.DescribeRepositories(ctx, &ecrapi.DescribeRepositoriesRequest{RepositoryNames: []string{"none"}})
	wantError(t, err, "RepositoryNotFoundException", "The repository with name 'none' does not exist in the registry with id '111122223333'")
	other := caller.With(ctx, caller.ForRoot(account, "us-east-1"))
	if page, _ := f.DescribeRepositories(other, &ecrapi.DescribeRepositoriesRequest{}); len(page.Repositories) != 0 {
		t.Error("another region has them too")
	}
	image(t, f, "repo0", "layer", "v1")
	_, err = f.DeleteRepository(ctx, &ecrapi.DeleteRepositoryRequest{RepositoryName: "repo0"})
	wantError(t, err, "RepositoryNotEmptyException", "cannot be deleted because it still contains images")
	if _, err = f.DeleteRepository(ctx, &ecrapi.DeleteRepositoryRequest{RepositoryName: "repo0", Force: true}); err != nil {
		t.Error(err)
	}
	tx := f.DB.Read()
	for range state.Images.All(tx, "") {
		t.Error("an image was left")
	}
	for range state.Layers.All(tx, "") {
		t.Error("a layer was left")
	}
}

func TestImages(t *testing.T) {
	f := newFixture(t)
	ctx := operator()
	create(t, f, "app")
	first := image(t, f, "app", "one", "v1")
	again := manifest(digest.FromString("{}").String(), digest.FromString("one").String(), 3)
	_, err := f.PutImage(ctx, &ecrapi.PutImageRequest{RepositoryName: "app", ImageManifest: again, ImageTag: "v1"})
	wantError(t, err, "ImageAlreadyExistsException", "Image with digest '"+first+"' and tag 'v1' already exists")
	missing := digest.FromString("missing").String()
	_, err = f.PutImage(ctx, &ecrapi.PutImageRequest{RepositoryName: "app", ImageManifest: manifest(digest.FromString("{}").String(), missing, 3)})
	wantError(t, err, "LayersNotFoundException", "Layers with digests '["+missing+"]' required for pushing image")

	if _, err := f.PutImage(ctx, &ecrapi.PutImageRequest{RepositoryName: "app", ImageManifest: again, ImageTag: "stable"}); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(time.Hour)
	second := image(t, f, "app", "second", "v1") // takes the tag
	details, _ := f.DescribeImages(ctx, &ecrapi.DescribeImagesRequest{RepositoryName: "app", ImageIds: []ecrapi.ImageIdentifier{{ImageTag: "v1"}, {ImageTag: "stable"}}})
	if d := details.ImageDetails; len(d) != 2 || d[0].ImageDigest != second || d[1].ImageDigest != first || d[0].ImageSizeInBytes != 8 || len(d[1].ImageTags) != 1 || d[0].ArtifactMediaType != ocispec.MediaTypeImageConfig {
		t.Errorf("%+v", d)
	}
	got, _ := f.BatchGetImage(ctx, &ecrapi.BatchGetImageRequest{RepositoryName: "app", ImageIds: []ecrapi.ImageIdentifier{{ImageTag: "stable"}, {ImageTag: "none"}, {}}})
	if len(got.Images) != 1 || got.Images[0].ImageManifest != again || got.Failures[0].FailureReason != "Requested image not found" || got.Failures[1].FailureCode != "MissingDigestAndTag" {
		t.Errorf("%+v", got)
	}
	_, err = f.DescribeImages(ctx, &ecrapi.DescribeImagesRequest{RepositoryName: "app", ImageIds: []ecrapi.ImageIdentifier{{ImageTag: "none"}}})
	wantError(t, err, "ImageNotFoundException", "The image with imageId {imageDigest:'null', imageTag:'none'} does not exist within the repository with name 'app' in the registry with id '111122223333'")

	index := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":1}]}`, ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest, second)
	if _, err := f.PutImage(ctx, &ecrapi.PutImageRequest{RepositoryName: "app", ImageManifest: index, ImageTag: "multi"}); err != nil {
		t.Fatal(err)
	}
	deleted, _ := f.BatchDeleteImage(ctx, &ecrapi.BatchDeleteImageRequest{RepositoryName: "app", ImageIds: []ecrapi.ImageIdentifier{{ImageDigest: second}, {ImageTag: "stable"}}})
	if len(deleted.Failures) != 1 || deleted.Failures[0].FailureCode != "ImageReferencedByManifestList" || len(deleted.ImageIds) != 1 {
		t.Errorf("%+v", deleted)
	}
	available, _ := f.BatchCheckLayerAvailability(ctx, &ecrapi.BatchCheckLayerAvailabilityRequest{RepositoryName: "app", LayerDigests: []string{digest.FromString("one").String(), digest.FromString("second").String(), "x"}})
	if l := available.Layers; len(l) != 2 || l[0].LayerAvailability != "UNAVAILABLE" || l[1].LayerAvailability != "AVAILABLE" || len(available.Failures) != 1 {
		t.Errorf("%+v", available)
	}
	list, _ := f.ListImages(ctx, &ecrapi.ListImagesRequest{RepositoryName: "app", Filter: &ecrapi.ListImagesFilter{TagStatus: "TAGGED"}})
	if len(list.ImageIds) != 2 {
		t.Errorf("%+v", list)
	}

	// What nothing refers to goes from the disk.
	if err := f.sweep(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Blobs.Size(digest.FromString("one")); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the layer of a deleted image: %v", err)
	}
	if _, err := f.Blobs.Size(digest.FromString("second")); err != nil {
		t.Errorf("the layer of an image: %v", err)
	}
}

func TestImmutableTags(t *testing.T) {
	f := newFixture(t)
	create(t, f, "app")
	_, err := f.PutImageTagMutability(operator(), &ecrapi.PutImageTagMutabilityRequest{
		RepositoryName: "app", ImageTagMutability: "IMMUTABLE_WITH_EXCLUSION",
		ImageTagMutabilityExclusionFilters: []ecrapi.ImageTagMutabilityExclusionFilter{{FilterType: "WILDCARD", Filter: "dev-*"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"v1", "dev-1"} {
		image(t, f, "app", "one"+tag, tag)
	}
	layer(t, f, "app", "two")
	other := manifest(digest.FromString("{}").String(), digest.FromString("two").String(), 3)
	_, err = f.PutImage(operator(), &ecrapi.PutImageRequest{RepositoryName: "app", ImageManifest: other, ImageTag: "v1"})
	wantError(t, err, "ImageTagAlreadyExistsException", "The image tag 'v1' already exists in the 'app' repository and cannot be overwritten because the tag is immutable.")
	if _, err = f.PutImage(operator(), &ecrapi.PutImageRequest{RepositoryName: "app", ImageManifest: other, ImageTag: "dev-1"}); err != nil {
		t.Error(err)
	}
	for pattern, texts := range map[string][2]string{
		"a*c": {"abc", "abcd"}, "*": {"", "\x00never"}, "a*b*c": {"axbxc", "acb"}, "abc": {"abc", "ab"}, "*-x": {"1-x", "1-x1"},
	} {
		if !matches(pattern, texts[0]) || matches(pattern, texts[1]) && pattern != "*" {
			t.Errorf("pattern %q", pattern)
		}
	}
}

func TestUploadErrors(t *testing.T) {
	f := newFixture(t)
	ctx := operator()
	create(t, f, "app")
	up, _ := f.InitiateLayerUpload(ctx, &ecrapi.InitiateLayerUploadRequest{RepositoryName: "app"})
	part := func(first, last int64, data string) error {
		_, err := f.UploadLayerPart(ctx, &ecrapi.UploadLayerPartRequest{RepositoryName: "app", UploadId: up.UploadId, PartFirstByte: first, PartLastByte: last, LayerPartBlob: []byte(data)})
		return err
	}
	complete := func(id string, d digest.Digest) error {
		_, err := f.CompleteLayerUpload(ctx, &ecrapi.CompleteLayerUploadRequest{RepositoryName: "app", UploadId: id, LayerDigests: []string{d.String()}})
		return err
	}
	wantError(t, complete(up.UploadId, digest.FromString("")), "EmptyUploadException", "")
	wantError(t, part(5, 6, "ab"), "InvalidLayerPartException", "the first byte must be 0")
	wantError(t, part(0, 5, "ab"), "InvalidParameterException", "partLastByte")
	if err := part(0, 1, "ab"); err != nil {
		t.Fatal(err)
	}
	wantError(t, complete(up.UploadId, digest.FromString("other")), "InvalidLayerException", "does not match the digest")
	wantError(t, complete("00000000-0000-0000-0000-000000000000", digest.FromString("ab")), "UploadNotFoundException", "")
}

func TestSettings(t *testing.T) {
	f := newFixture(t)
	ctx := operator()
	create(t, f, "app")
	_, err := f.GetRepositoryPolicy(ctx, &ecrapi.GetRepositoryPolicyRequest{RepositoryName: "app"})
	wantError(t, err, "RepositoryPolicyNotFoundException", "Repository policy does not exist for the repository with name 'app' in the registry with id '111122223333'")
	_, err = f.SetRepositoryPolicy(ctx, &ecrapi.SetRepositoryPolicyRequest{RepositoryName: "app", PolicyText: "[]"})
	wantError(t, err, "InvalidParameterException", "Invalid repository policy provided")
	if _, err = f.SetRepositoryPolicy(ctx, &ecrapi.SetRepositoryPolicyRequest{RepositoryName: "app", PolicyText: pullers}); err != nil {
		t.Fatal(err)
	}
	if document, owner, ok := f.Authorization().ResourcePolicy(ctx, "arn:aws:ecr:eu-west-1:111122223333:repository/app"); !ok || owner != account || document != pullers {
		t.Error(document, owner, ok)
	}
	if _, err = f.DeleteRepositoryPolicy(ctx, &ecrapi.DeleteRepositoryPolicyRequest{RepositoryName: "app"}); err != nil {
		t.Error(err)
	}
	arn := "arn:aws:ecr:eu-west-1:111122223333:repository/app"
	if _, err = f.TagResource(ctx, &ecrapi.TagResourceRequest{ResourceArn: arn, Tags: []ecrapi.Tag{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}, {Key: "l"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err = f.UntagResource(ctx, &ecrapi.UntagResourceRequest{ResourceArn: arn, TagKeys: []string{"l"}}); err != nil {
		t.Fatal(err)
	}
	tags, _ := f.ListTagsForResource(ctx, &ecrapi.ListTagsForResourceRequest{ResourceArn: arn})
	if len(tags.Tags) != 1 || tags.Tags[0].Value != "2" {
		t.Errorf("%+v", tags)
	}
	_, err = f.TagResource(ctx, &ecrapi.TagResourceRequest{ResourceArn: arn, Tags: []ecrapi.Tag{{Key: "aws:x"}}})
	wantError(t, err, "InvalidTagParameterException", "")
}

func TestAuthorizationCoversTheAPI(t *testing.T) {
	f := newFixture(t)
	table := f.Authorization().Rules
	id := caller.ForRoot(account, region)
	for name, operation := range ecrapi.Model.Operations {
		rules, ok := table[name]
		if !ok {
			t.Errorf("no rule for %s", name)
			continue
		}
		for _, rule := range rules {
			if rule.Resources != nil {
				if got := rule.Resources(id, operation.NewInput()); len(got) == 0 || !strings.HasPrefix(got[0], "arn:aws:ecr:") && got[0] != "" {
					t.Errorf("%s: %v", name, got)
				}
			}
			if rule.Conditions != nil {
				rule.Conditions(id, operation.NewInput())
			}
		}
	}
	if got := repositories(id, &ecrapi.PutImageRequest{RegistryId: "999999999999", RepositoryName: "a/b"}); got[0] != "arn:aws:ecr:eu-west-1:999999999999:repository/a/b" {
		t.Error(got)
	}
}

func TestToken(t *testing.T) {
	f := newFixture(t)
	out, err := f.GetAuthorizationToken(caller.With(context.Background(), role("vpc-1")), &ecrapi.GetAuthorizationTokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	data := out.AuthorizationData[0]
	raw, _ := base64.StdEncoding.DecodeString(data.AuthorizationToken)
	password, ok := strings.CutPrefix(string(raw), "AWS:")
	if !ok || data.ProxyEndpoint != "https://111122223333.dkr.ecr.eu-west-1.amazonaws.com" || data.ExpiresAt != f.now.Add(12*time.Hour) {
		t.Fatalf("%+v", data)
	}
	if strings.Contains(string(raw), "exec") {
		t.Error("the token shows the principal")
	}
	id, err := f.open(password)
	if err != nil || id.ARN != role("").ARN || id.SourceVPC != "" {
		t.Error(id, err)
	}
	sum := sha256.Sum256([]byte(password))
	for _, bad := range []string{"", "x", password[:40], base64.StdEncoding.EncodeToString(sum[:]), "A" + password[1:]} {
		if _, err := f.open(bad); !errors.Is(err, errTokenInvalid) && bad != password {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
	f.now = f.now.Add(12*time.Hour + time.Second)
	if _, err := f.open(password); !errors.Is(err, errTokenExpired) {
		t.Error(err)
	}
}

func TestLifecycle(t *testing.T) {
	f := newFixture(t)
	ctx := operator()
	create(t, f, "app")
	policy := `{"rules":[
	 {"rulePriority":2,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":2},"action":{"type":"expire"}},
	 {"rulePriority":1,"selection":{"tagStatus":"tagged","tagPrefixList":["keep"],"countType":"sinceImagePushed","countUnit":"days","countNumber":10},"action":{"type":"expire"}}]}`
	if _, err := f.PutLifecyclePolicy(ctx, &ecrapi.PutLifecyclePolicyRequest{RepositoryName: "app", LifecyclePolicyText: policy}); err != nil {
		t.Fatal(err)
	}
	tags := func() string {
		out, _ := f.ListImages(ctx, &ecrapi.ListImagesRequest{RepositoryName: "app"})
		var names []string
		for _, id := range out.ImageIds {
			names = append(names, id.ImageTag)
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	for i, tag := range []string{"keep-1", "a", "b", "c", "keep-2"} {
		image(t, f, "app", tag, tag)
		f.now = f.now.Add(time.Duration(i+1) * time.Minute)
	}
	if got := tags(); got != "b c keep-1 keep-2" {
		t.Error(got)
	}
	f.now = f.now.Add(11 * 24 * time.Hour)
	if err := f.expireAll(ctx); err != nil {
		t.Fatal(err)
	}
	if got := tags(); got != "b c" {
		t.Error(got)
	}
	for what, bad := range map[string]string{
		"not valid JSON":            `{`,
		"1 to 50 rules":             `{"rules":[]}`,
		"action type 'transition'":  `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"transition"}}]}`,
		"countType 'sinceImagePu":   `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"sinceImagePulled","countUnit":"days","countNumber":1},"action":{"type":"expire"}}]}`,
		"tagPrefixList or tagPatte": `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"tagged","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`,
	} {
		_, err := f.PutLifecyclePolicy(ctx, &ecrapi.PutLifecyclePolicyRequest{RepositoryName: "app", LifecyclePolicyText: bad})
		wantError(t, err, "InvalidParameterException", what)
	}
	if out, err := f.DeleteLifecyclePolicy(ctx, &ecrapi.DeleteLifecyclePolicyRequest{RepositoryName: "app"}); err != nil || out.LifecyclePolicyText != policy {
		t.Error(err)
	}
	_, err := f.GetLifecyclePolicy(ctx, &ecrapi.GetLifecyclePolicyRequest{RepositoryName: "app"})
	wantError(t, err, "LifecyclePolicyNotFoundException", "Lifecycle policy does not exist")
}

func text(r io.Reader) string {
	raw, _ := io.ReadAll(r)
	return strings.TrimSpace(string(raw))
}
