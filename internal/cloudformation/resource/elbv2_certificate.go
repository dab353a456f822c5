package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// listenerCertificate is AWS::ElasticLoadBalancingV2::ListenerCertificate: further
// certificates of a listener.
type listenerCertificate struct{}

var listenerCertificateSchema = &Schema{
	Type:       "AWS::ElasticLoadBalancingV2::ListenerCertificate",
	Properties: Properties{"ListenerArn": String.Required().Replaces(), "Certificates": elbCertificates.Required()},
}

// Schema is the type's schema.
func (listenerCertificate) Schema() *Schema { return listenerCertificateSchema }

// Create adds the certificates.
func (listenerCertificate) Create(ctx context.Context, r *Request) (Result, error) {
	if err := r.addCertificates(ctx, certificateARNs(r.Properties)); err != nil {
		return Result{}, err
	}
	if r.PhysicalID == "" {
		r.PhysicalID = r.Name(255)
	}
	return Result{PhysicalID: r.PhysicalID}, r.Created(r.PhysicalID)
}

func certificateARNs(properties *template.Value) []string {
	var out []string
	for _, item := range items(properties.Get("Certificates")) {
		out = append(out, item.Get("CertificateArn").Str())
	}
	return out
}

func (r *Request) addCertificates(ctx context.Context, arns []string) error {
	if len(arns) == 0 {
		return nil
	}
	in := &elbv2api.AddListenerCertificatesInput{ListenerArn: r.Text("ListenerArn")}
	for _, arn := range arns {
		in.Certificates = append(in.Certificates, elbv2api.Certificate{CertificateArn: arn})
	}
	_, err := r.elb().AddListenerCertificates(ctx, in)
	return err
}

func (r *Request) removeCertificates(ctx context.Context, listener string, arns []string) error {
	if len(arns) == 0 {
		return nil
	}
	in := &elbv2api.RemoveListenerCertificatesInput{ListenerArn: listener}
	for _, arn := range arns {
		in.Certificates = append(in.Certificates, elbv2api.Certificate{CertificateArn: arn})
	}
	_, err := r.elb().RemoveListenerCertificates(ctx, in)
	return gone(err, "ListenerNotFound")
}

// Update adds and removes certificates.
func (listenerCertificate) Update(ctx context.Context, r *Request) (Result, error) {
	now, before := certificateARNs(r.Properties), certificateARNs(r.Previous)
	if err := r.addCertificates(ctx, difference(now, before)); err != nil {
		return Result{}, err
	}
	return Result{PhysicalID: r.PhysicalID}, r.removeCertificates(ctx, r.Text("ListenerArn"), difference(before, now))
}

// Delete removes the certificates.
func (listenerCertificate) Delete(ctx context.Context, r *Request) error {
	return r.removeCertificates(ctx, r.Text("ListenerArn"), certificateARNs(r.Properties))
}
