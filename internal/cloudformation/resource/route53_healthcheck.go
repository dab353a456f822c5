package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// healthCheck is AWS::Route53::HealthCheck.
type healthCheck struct{}

var healthCheckConfig = Properties{
	"Type": String.Required(), "IPAddress": String, "Port": Integer, "ResourcePath": String, "FullyQualifiedDomainName": String, "SearchString": String,
	"RequestInterval": Integer, "FailureThreshold": Integer, "MeasureLatency": Boolean, "Inverted": Boolean, "HealthThreshold": Integer, "ChildHealthChecks": Strings,
	"EnableSNI": Boolean, "Regions": Strings, "InsufficientDataHealthStatus": String, "RoutingControlArn": String,
	"AlarmIdentifier": Object(Properties{"Name": String.Required(), "Region": String.Required()}),
}

var healthCheckSchema = &Schema{
	Type:       "AWS::Route53::HealthCheck",
	Properties: Properties{"HealthCheckConfig": Object(healthCheckConfig).Required(), "HealthCheckTags": Tags},
	Attributes: []string{"HealthCheckId"},
}

// Schema is the type's schema.
func (healthCheck) Schema() *Schema { return healthCheckSchema }

// fixed names what Route 53 cannot change of a health check and is another now.
func (healthCheck) fixed(r *Request) error {
	before, now := r.Previous.Get("HealthCheckConfig"), r.Properties.Get("HealthCheckConfig")
	for _, name := range []string{"Type", "RequestInterval", "MeasureLatency"} {
		if before.Get(name).Str() != now.Get(name).Str() {
			return &Failure{Code: "InvalidRequest", Message: "HealthCheckConfig." + name + " of a health check cannot be changed: give the resource another logical name"}
		}
	}
	return nil
}

func (healthCheck) config(r *Request) (*route53api.HealthCheckConfig, error) {
	out := &route53api.HealthCheckConfig{}
	return out, bind(r.Properties.Get("HealthCheckConfig"), out)
}

func (t healthCheck) done(ctx context.Context, r *Request) (Result, error) {
	err := r.tagRoute53(ctx, route53api.TagResourceTypeHealthcheck, "HealthCheckTags")
	return Result{PhysicalID: r.PhysicalID, Attributes: map[string]*template.Value{"HealthCheckId": template.Text(r.PhysicalID)}}, err
}

// Create makes the health check; the same token again finds the same one.
func (t healthCheck) Create(ctx context.Context, r *Request) (Result, error) {
	config, err := t.config(r)
	if err != nil {
		return Result{}, err
	}
	out, err := r.route53().CreateHealthCheck(ctx, &route53api.CreateHealthCheckRequest{CallerReference: r.clientToken(), HealthCheckConfig: config})
	if err != nil {
		return Result{}, err
	}
	r.PhysicalID = out.HealthCheck.Id
	if err := r.Created(r.PhysicalID); err != nil {
		return Result{}, err
	}
	return t.done(ctx, r)
}

// Update changes the settings and the tags.
func (t healthCheck) Update(ctx context.Context, r *Request) (Result, error) {
	if err := t.fixed(r); err != nil {
		return Result{}, err
	}
	c, err := t.config(r)
	if err != nil {
		return Result{}, err
	}
	in := &route53api.UpdateHealthCheckRequest{
		HealthCheckId: r.PhysicalID, IPAddress: c.IPAddress, Port: c.Port, ResourcePath: c.ResourcePath, FullyQualifiedDomainName: c.FullyQualifiedDomainName, SearchString: c.SearchString,
		FailureThreshold: c.FailureThreshold, Inverted: c.Inverted, HealthThreshold: c.HealthThreshold, ChildHealthChecks: c.ChildHealthChecks, EnableSNI: c.EnableSNI, Regions: c.Regions,
		AlarmIdentifier: c.AlarmIdentifier, InsufficientDataHealthStatus: c.InsufficientDataHealthStatus,
	}
	for name, missing := range map[route53api.ResettableElementName]bool{
		route53api.ResettableElementNameFullyQualifiedDomainName: c.FullyQualifiedDomainName == "", route53api.ResettableElementNameResourcePath: c.ResourcePath == "",
		route53api.ResettableElementNameRegions: c.Regions == nil, route53api.ResettableElementNameChildHealthChecks: c.ChildHealthChecks == nil,
	} {
		if missing {
			in.ResetElements = append(in.ResetElements, name)
		}
	}
	if r.Changed("HealthCheckConfig") {
		if _, err := r.route53().UpdateHealthCheck(ctx, in); err != nil {
			return Result{}, err
		}
	}
	return t.done(ctx, r)
}

// Delete deletes the health check.
func (healthCheck) Delete(ctx context.Context, r *Request) error {
	_, err := r.route53().DeleteHealthCheck(ctx, &route53api.DeleteHealthCheckRequest{HealthCheckId: r.PhysicalID})
	return gone(err, "NoSuchHealthCheck")
}
