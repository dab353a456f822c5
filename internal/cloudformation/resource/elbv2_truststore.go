package resource

import (
	"context"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// trustStore is AWS::ElasticLoadBalancingV2::TrustStore.
type trustStore struct{}

var trustStoreSchema = &Schema{
	Type: "AWS::ElasticLoadBalancingV2::TrustStore", Name: "Name",
	Properties: Properties{
		"Name": String.Replaces(), "CaCertificatesBundleS3Bucket": String, "CaCertificatesBundleS3Key": String, "CaCertificatesBundleS3ObjectVersion": String, "Tags": Tags,
	},
	Attributes: []string{"NumberOfCaCertificates", "Status", "TrustStoreArn"},
}

// Schema is the type's schema.
func (trustStore) Schema() *Schema { return trustStoreSchema }

// Create makes the trust store. One that an earlier attempt made is found by its name.
func (trustStore) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &elbv2api.CreateTrustStoreInput{Tags: elbTags(append(r.own(), r.allTags(r.Properties.Get("Tags"))...))}
		if err := bind(r.Properties, in, "Tags"); err != nil {
			return Result{}, err
		}
		in.Name = r.elbName()
		out, err := r.elb().CreateTrustStore(ctx, in)
		switch {
		case err == nil:
			r.PhysicalID = out.TrustStores[0].TrustStoreArn
		case r.Retry && isCode(err, "DuplicateTrustStoreName"):
			found, err := r.elb().DescribeTrustStores(ctx, &elbv2api.DescribeTrustStoresInput{Names: []string{in.Name}})
			if err != nil {
				return Result{}, err
			}
			r.PhysicalID = found.TrustStores[0].TrustStoreArn
		default:
			return Result{}, err
		}
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return r.trustStoreResult(ctx)
}

func (r *Request) trustStoreResult(ctx context.Context) (Result, error) {
	out, err := r.elb().DescribeTrustStores(ctx, &elbv2api.DescribeTrustStoresInput{TrustStoreArns: []string{r.PhysicalID}})
	if err != nil {
		return Result{}, err
	}
	t := out.TrustStores[0]
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("TrustStoreArn", r.PhysicalID, "Status", string(t.Status), "NumberOfCaCertificates", strconv.Itoa(int(*t.NumberOfCaCertificates)))}, nil
}

// Update takes the authorities from another file, and changes tags.
func (trustStore) Update(ctx context.Context, r *Request) (Result, error) {
	in := &elbv2api.ModifyTrustStoreInput{TrustStoreArn: r.PhysicalID}
	if err := bind(r.Properties, in, "Tags", "Name"); err != nil {
		return Result{}, err
	}
	if _, err := r.elb().ModifyTrustStore(ctx, in); err != nil {
		return Result{}, err
	}
	if err := r.elbRetag(ctx); err != nil {
		return Result{}, err
	}
	return r.trustStoreResult(ctx)
}

// Delete deletes the trust store.
func (trustStore) Delete(ctx context.Context, r *Request) error {
	_, err := r.elb().DeleteTrustStore(ctx, &elbv2api.DeleteTrustStoreInput{TrustStoreArn: r.PhysicalID})
	return gone(err, "TrustStoreNotFound")
}

// trustStoreRevocation is AWS::ElasticLoadBalancingV2::TrustStoreRevocation.
type trustStoreRevocation struct{}

var trustStoreRevocationSchema = &Schema{
	Type: "AWS::ElasticLoadBalancingV2::TrustStoreRevocation",
	Properties: Properties{
		"TrustStoreArn":      String.Replaces(),
		"RevocationContents": ListOf(Object(Properties{"S3Bucket": String, "S3Key": String, "S3ObjectVersion": String, "RevocationType": String})).Replaces(),
	},
	Attributes: []string{"RevocationId"},
}

// Schema is the type's schema.
func (trustStoreRevocation) Schema() *Schema { return trustStoreRevocationSchema }

// Create adds the lists. Its id is the trust store's ARN with those of the lists.
func (trustStoreRevocation) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &elbv2api.AddTrustStoreRevocationsInput{}
		if err := bind(r.Properties, in); err != nil {
			return Result{}, err
		}
		out, err := r.elb().AddTrustStoreRevocations(ctx, in)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = in.TrustStoreArn
		for _, added := range out.TrustStoreRevocations {
			r.PhysicalID += "|" + strconv.FormatInt(*added.RevocationId, 10)
		}
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	_, id, _ := strings.Cut(r.PhysicalID, "|")
	id, _, _ = strings.Cut(id, "|")
	return Result{PhysicalID: r.PhysicalID, Attributes: map[string]*template.Value{"RevocationId": template.Text(id)}}, nil
}

// Update is never asked: every property replaces the resource.
func (trustStoreRevocation) Update(_ context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID}, nil
}

// Delete takes the lists away.
func (trustStoreRevocation) Delete(ctx context.Context, r *Request) error {
	parts := strings.Split(r.PhysicalID, "|")
	for _, text := range parts[1:] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		_, err = r.elb().RemoveTrustStoreRevocations(ctx, &elbv2api.RemoveTrustStoreRevocationsInput{TrustStoreArn: parts[0], RevocationIds: []int64{id}})
		if err := gone(gone(err, "RevocationIdNotFound"), "TrustStoreNotFound"); err != nil {
			return err
		}
	}
	return nil
}
