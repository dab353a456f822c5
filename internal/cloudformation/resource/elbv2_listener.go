package resource

import (
	"context"
	"strconv"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// listener is AWS::ElasticLoadBalancingV2::Listener.
type listener struct{}

// elbActions are the actions of listeners and rules.
var elbActions = ListOf(Object(Properties{
	"Type": String.Required(), "Order": Integer, "TargetGroupArn": String,
	"ForwardConfig": Object(Properties{
		"TargetGroups":                ListOf(Object(Properties{"TargetGroupArn": String, "Weight": Integer})),
		"TargetGroupStickinessConfig": Object(Properties{"Enabled": Boolean, "DurationSeconds": Integer}),
	}),
	"RedirectConfig":      Object(Properties{"Protocol": String, "Port": String, "Host": String, "Path": String, "Query": String, "StatusCode": String.Required()}),
	"FixedResponseConfig": Object(Properties{"StatusCode": String.Required(), "ContentType": String, "MessageBody": String}),
	"AuthenticateOidcConfig": Object(Properties{
		"Issuer": String.Required(), "AuthorizationEndpoint": String.Required(), "TokenEndpoint": String.Required(), "UserInfoEndpoint": String.Required(), "ClientId": String.Required(),
		"ClientSecret": String, "UseExistingClientSecret": Boolean, "Scope": String, "SessionCookieName": String, "SessionTimeout": Integer, "OnUnauthenticatedRequest": String,
		"AuthenticationRequestExtraParams": MapOf(String),
	}),
}))

var elbCertificates = ListOf(Object(Properties{"CertificateArn": String}))

var listenerSchema = &Schema{
	Type: "AWS::ElasticLoadBalancingV2::Listener",
	Properties: Properties{
		"LoadBalancerArn": String.Required().Replaces(), "Port": Integer, "Protocol": String, "SslPolicy": String, "AlpnPolicy": Strings, "Certificates": elbCertificates, "DefaultActions": elbActions.Required(), "ListenerAttributes": keyValues,
		"MutualAuthentication": Object(Properties{"Mode": String, "TrustStoreArn": String, "IgnoreClientCertificateExpiry": Boolean, "AdvertiseTrustStoreCaNames": String}),
	},
	Attributes: []string{"ListenerArn"},
}

// Schema is the type's schema.
func (listener) Schema() *Schema { return listenerSchema }

// Create opens the port. The same request again finds the same listener.
func (listener) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &elbv2api.CreateListenerInput{}
		if err := bind(r.Properties, in, "ListenerAttributes"); err != nil {
			return Result{}, err
		}
		out, err := r.elb().CreateListener(ctx, in)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = out.Listeners[0].ListenerArn
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return r.listenerResult(), r.setListenerAttributes(ctx)
}

func (r *Request) listenerResult() Result {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("ListenerArn", r.PhysicalID)}
}

func (r *Request) setListenerAttributes(ctx context.Context) error {
	in := &elbv2api.ModifyListenerAttributesInput{ListenerArn: r.PhysicalID}
	for _, item := range items(r.Properties.Get("ListenerAttributes")) {
		in.Attributes = append(in.Attributes, elbv2api.ListenerAttribute{Key: item.Get("Key").Str(), Value: item.Get("Value").Str()})
	}
	if len(in.Attributes) == 0 {
		return nil
	}
	_, err := r.elb().ModifyListenerAttributes(ctx, in)
	return err
}

// Update changes the listener in place.
func (listener) Update(ctx context.Context, r *Request) (Result, error) {
	in := &elbv2api.ModifyListenerInput{ListenerArn: r.PhysicalID}
	if err := bind(r.Properties, in, "LoadBalancerArn", "ListenerAttributes"); err != nil {
		return Result{}, err
	}
	if _, err := r.elb().ModifyListener(ctx, in); err != nil {
		return Result{}, err
	}
	return r.listenerResult(), r.setListenerAttributes(ctx)
}

// Delete closes the port.
func (listener) Delete(ctx context.Context, r *Request) error {
	_, err := r.elb().DeleteListener(ctx, &elbv2api.DeleteListenerInput{ListenerArn: r.PhysicalID})
	return gone(err, "ListenerNotFound")
}

// listenerRule is AWS::ElasticLoadBalancingV2::ListenerRule.
type listenerRule struct{}

var elbValues = Object(Properties{"Values": Strings})

var listenerRuleSchema = &Schema{
	Type: "AWS::ElasticLoadBalancingV2::ListenerRule",
	Properties: Properties{
		"ListenerArn": String.Required().Replaces(), "Priority": Integer.Required(), "Actions": elbActions.Required(),
		"Conditions": ListOf(Object(Properties{
			"Field": String, "Values": Strings, "HostHeaderConfig": elbValues, "PathPatternConfig": elbValues, "HttpRequestMethodConfig": elbValues, "SourceIpConfig": elbValues,
			"HttpHeaderConfig":  Object(Properties{"HttpHeaderName": String, "Values": Strings}),
			"QueryStringConfig": Object(Properties{"Values": ListOf(Object(Properties{"Key": String, "Value": String}))}),
		})).Required(),
	},
	Attributes: []string{"IsDefault", "RuleArn"},
}

// Schema is the type's schema.
func (listenerRule) Schema() *Schema { return listenerRuleSchema }

// Create makes the rule. One that an earlier attempt made is found by its priority,
// which no other rule of the listener can have.
func (listenerRule) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &elbv2api.CreateRuleInput{}
		if err := bind(r.Properties, in); err != nil {
			return Result{}, err
		}
		out, err := r.elb().CreateRule(ctx, in)
		switch {
		case err == nil:
			r.PhysicalID = out.Rules[0].RuleArn
		case r.Retry && isCode(err, "PriorityInUse"):
			if r.PhysicalID, err = r.ruleOf(ctx, in.ListenerArn, in.Priority); err != nil {
				return Result{}, err
			}
		default:
			return Result{}, err
		}
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return r.ruleResult(), nil
}

func (r *Request) ruleOf(ctx context.Context, listener string, priority int32) (string, error) {
	out, err := r.elb().DescribeRules(ctx, &elbv2api.DescribeRulesInput{ListenerArn: listener})
	if err != nil {
		return "", err
	}
	for _, rule := range out.Rules {
		if rule.Priority == strconv.Itoa(int(priority)) {
			return rule.RuleArn, nil
		}
	}
	return "", &Failure{Code: "NotFound", Message: "The rule with the priority " + strconv.Itoa(int(priority)) + " does not exist"}
}

func (r *Request) ruleResult() Result {
	all := attributes("RuleArn", r.PhysicalID)
	all["IsDefault"] = template.Text("false")
	return Result{PhysicalID: r.PhysicalID, Attributes: all}
}

// Update changes conditions, actions and the priority.
func (listenerRule) Update(ctx context.Context, r *Request) (Result, error) {
	in := &elbv2api.ModifyRuleInput{RuleArn: r.PhysicalID}
	if err := bind(r.Properties, in, "ListenerArn", "Priority"); err != nil {
		return Result{}, err
	}
	if _, err := r.elb().ModifyRule(ctx, in); err != nil {
		return Result{}, err
	}
	if r.Changed("Priority") {
		n, err := strconv.ParseInt(r.Text("Priority"), 10, 32)
		if err != nil {
			return Result{}, err
		}
		priority := int32(n)
		if _, err := r.elb().SetRulePriorities(ctx, &elbv2api.SetRulePrioritiesInput{RulePriorities: []elbv2api.RulePriorityPair{{RuleArn: r.PhysicalID, Priority: &priority}}}); err != nil {
			return Result{}, err
		}
	}
	return r.ruleResult(), nil
}

// Delete deletes the rule.
func (listenerRule) Delete(ctx context.Context, r *Request) error {
	_, err := r.elb().DeleteRule(ctx, &elbv2api.DeleteRuleInput{RuleArn: r.PhysicalID})
	return gone(err, "RuleNotFound")
}
