package cloudformation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation/sam"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// maxNesting is how deep stacks may nest.
const maxNesting = 5

// expand reads a template's text and carries out its transforms; fetch reads
// what AWS::Include names. processed is the JSON of the document after them, ""
// when it has none.
func expand(text string, k template.Known, fetch func(string) (string, error)) (t *template.Template, processed string, transforms []string, err error) {
	doc, err := template.Read(text)
	if err != nil {
		return nil, "", nil, err
	}
	doc, included, err := template.Include(doc, k, fetch)
	if err != nil {
		return nil, "", nil, &transformError{err}
	}
	if transforms, err = template.Transforms(doc); err != nil {
		return nil, "", nil, err
	}
	if included {
		processed = doc.JSON()
		defer func() { transforms = append([]string{template.IncludeMacro}, transforms...) }()
	}
	for _, name := range transforms {
		switch name {
		case sam.Macro:
			doc, err = sam.Transform(doc)
		case template.LanguageExtensions:
			doc, err = template.Extend(doc, k)
		default:
			err = &template.Error{Message: "Transform " + name + " failed with: Neargate does not carry out this transform"}
		}
		if err != nil {
			return nil, "", transforms, &transformError{err}
		}
		doc = doc.With("Transform", nil)
		processed = doc.JSON()
	}
	if t, err = template.New(doc); t != nil {
		t.Extended = slices.Contains(transforms, template.LanguageExtensions)
	}
	return t, processed, transforms, err
}

// transformError is a failed transform: a change set fails with its text, a
// direct creation is refused with it.
type transformError struct{ err error }

func (e *transformError) Error() string { return e.err.Error() }
func (e *transformError) Unwrap() error { return e.err }

// stored parses the template of a stack again.
func stored(c state.StackConfig) (*template.Template, error) {
	if c.Processed != "" {
		t, err := template.Parse(c.Processed)
		if t != nil {
			t.Extended = true // it was checked when it was processed
		}
		return t, err
	}
	return template.Parse(c.Template)
}

// plan is a stack's configuration, read and evaluated.
type plan struct {
	imports bool // ImportExistingResources
	config  state.StackConfig
	t       *template.Template
	params  map[string]template.ParameterValue
}

// request is what a user gives to make or change a stack.
type request struct {
	text         string
	given        map[string]string
	later        []string // parameters whose value is not known yet
	tags         []state.Tag
	capabilities []string
	role         string
	resources    []string // ResourceTypes
	imports      bool     // ImportExistingResources
}

// prepare reads a request's template and resolves its parameters.
func (s *Service) prepare(ctx context.Context, req request) (*plan, error) {
	id := caller.From(ctx)
	t, processed, _, err := expand(req.text, template.Known{Given: req.given, Later: req.later, Look: s.lookup(ctx), Env: template.Env{AccountID: id.Account, Region: id.Region, Partition: "aws"}},
		func(location string) (string, error) {
			text, err := s.fetch(ctx, location)
			if err != nil {
				return "", errors.New(message(err))
			}
			return text, nil
		})
	if err != nil {
		return nil, err
	}
	if err := s.checkTypes(t, req.resources); err != nil {
		return nil, err
	}
	params, err := t.ResolveParameters(req.given, s.lookup(ctx), req.later...)
	if err != nil {
		return nil, err
	}
	p := &plan{imports: req.imports, t: t, params: params, config: state.StackConfig{
		Template: req.text, Processed: processed, Description: t.Description, Tags: req.tags, Capabilities: req.capabilities, RoleARN: req.role,
	}}
	for _, d := range t.Parameters {
		v := params[d.Name]
		p.config.Parameters = append(p.config.Parameters, state.StackParameter{Key: d.Name, Value: v.Given, Resolved: v.Resolved, NoEcho: d.NoEcho})
	}
	return p, nil
}

// checkTypes refuses resource types that we do not have, attributes that a type
// does not have, and resource attributes that we do not carry out.
func (s *Service) checkTypes(t *template.Template, allowed []string) error {
	var unknown, where []string
	for _, r := range t.Resources {
		if s.types[r.Type] == nil {
			unknown = append(unknown, r.Type)
			where = append(where, "line "+itoa(r.Line))
		}
	}
	if unknown != nil {
		return invalid("Template format error: Unrecognized resource types: [%s] (Neargate does not carry them out; %s)", strings.Join(unknown, ", "), strings.Join(where, ", "))
	}
	for _, r := range t.Resources {
		if allowed != nil && !slices.ContainsFunc(allowed, func(a string) bool { return typeAllowed(a, r.Type) }) {
			return invalid("Resource type %s is not allowed by parameter ResourceTypes [%s]", r.Type, strings.Join(allowed, ", "))
		}
		for _, name := range []string{"CreationPolicy", "UpdatePolicy"} {
			if v := r.Attributes.Get(name); v != nil {
				return invalid("Neargate does not carry out %s of resource %s (line %d)", name, r.LogicalID, v.Line)
			}
		}
		if r.DeletionPolicy == "Snapshot" || r.UpdateReplacePolicy == "Snapshot" {
			return invalid("Template error: resource type %s does not support deletion policy Snapshot", r.Type)
		}
		if err := s.checkAttributes(t, r.Properties); err != nil {
			return err
		}
	}
	for _, o := range t.Outputs {
		if err := s.checkAttributes(t, o.Value); err != nil {
			return err
		}
	}
	return nil
}

func typeAllowed(pattern, typ string) bool {
	prefix, wild := strings.CutSuffix(pattern, "*")
	return pattern == typ || wild && strings.HasPrefix(typ, prefix)
}

func (s *Service) checkAttributes(t *template.Template, v *template.Value) error {
	for _, ref := range template.References(v, nil) {
		target, ok := t.Resource(ref.Name)
		if ok && ref.Attribute != "" && !s.types[target.Type].Schema().HasAttribute(ref.Attribute) {
			return invalid("Template error: resource %s does not support attribute type %s in Fn::GetAtt", ref.Name, ref.Attribute)
		}
	}
	return nil
}

// lookup tells parameter types what is in the account, as the caller sees it.
func (s *Service) lookup(ctx context.Context) template.Lookup {
	return template.Lookup{
		Stored: func(name string) (string, error) {
			out, err := ssmapi.NewClient(s.invoker).GetParameter(ctx, &ssmapi.GetParameterRequest{Name: name})
			switch {
			case code(err) == "ParameterNotFound":
				return "", invalid("Unable to fetch parameters [%s] from parameter store for this account.", name)
			case err != nil:
				return "", err
			case out.Parameter.Type == "SecureString":
				return "", invalid("Parameters [%s] referenced by template have types not supported by CloudFormation.", name)
			}
			return out.Parameter.Value, nil
		},
		Exists: func(awsType, id string) (bool, error) { return s.exists(ctx, awsType, id) },
	}
}

// exists reports whether something of an AWS-specific parameter type exists.
func (s *Service) exists(ctx context.Context, awsType, id string) (bool, error) {
	ec2, one := ec2api.NewClient(s.invoker), []string{id}
	var err error
	var n int
	switch awsType {
	case "AWS::EC2::VPC::Id":
		var out *ec2api.DescribeVpcsResult
		if out, err = ec2.DescribeVpcs(ctx, &ec2api.DescribeVpcsRequest{VpcIds: one}); err == nil {
			n = len(out.Vpcs)
		}
	case "AWS::EC2::Subnet::Id":
		var out *ec2api.DescribeSubnetsResult
		if out, err = ec2.DescribeSubnets(ctx, &ec2api.DescribeSubnetsRequest{SubnetIds: one}); err == nil {
			n = len(out.Subnets)
		}
	case "AWS::EC2::SecurityGroup::Id":
		var out *ec2api.DescribeSecurityGroupsResult
		if out, err = ec2.DescribeSecurityGroups(ctx, &ec2api.DescribeSecurityGroupsRequest{GroupIds: one}); err == nil {
			n = len(out.SecurityGroups)
		}
	case "AWS::EC2::SecurityGroup::GroupName":
		var out *ec2api.DescribeSecurityGroupsResult
		if out, err = ec2.DescribeSecurityGroups(ctx, &ec2api.DescribeSecurityGroupsRequest{Filters: []ec2api.Filter{{Name: "group-name", Values: one}}}); err == nil {
			n = len(out.SecurityGroups)
		}
	case "AWS::EC2::AvailabilityZone::Name":
		zones, failed := s.zones(ctx, "")
		if err = failed; slices.Contains(zones, id) {
			n = 1
		}
	default: // images, key pairs, instances, volumes, hosted zones: this account has none
	}
	if strings.HasPrefix(code(err), "Invalid") {
		return false, nil
	}
	return n > 0, err
}

func code(err error) string {
	var e wire.Error
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// zones returns the availability zones of a region ("" for the caller's) that
// have a default subnet, or all of them when none has.
func (s *Service) zones(ctx context.Context, region string) ([]string, error) {
	if id := caller.From(ctx); region != "" && region != id.Region {
		id.Region = region
		ctx = caller.With(ctx, id)
	}
	ec2 := ec2api.NewClient(s.invoker)
	subnets, err := ec2.DescribeSubnets(ctx, &ec2api.DescribeSubnetsRequest{Filters: []ec2api.Filter{{Name: "default-for-az", Values: []string{"true"}}}})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, subnet := range subnets.Subnets {
		names = append(names, subnet.AvailabilityZone)
	}
	if names == nil {
		out, err := ec2.DescribeAvailabilityZones(ctx, &ec2api.DescribeAvailabilityZonesRequest{})
		if err != nil {
			return nil, err
		}
		for _, z := range out.AvailabilityZones {
			names = append(names, z.ZoneName)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// environment is what a stack's template is evaluated with, but for Reference.
func (s *Service) environment(ctx context.Context, stack *state.Stack, params map[string]template.ParameterValue) template.Env {
	return template.Env{
		AccountID: stack.Account, Region: stack.Region, Partition: "aws", StackName: stack.Name, StackID: stack.ID,
		NotificationARNs: stack.Config.NotificationARNs, Parameters: params,
		Zones: func(region string) ([]string, error) { return s.zones(ctx, region) },
		Import: func(name string) (*template.Value, error) {
			if v, ok := s.export(stack.Account, stack.Region, name); ok {
				return template.Text(v), nil
			}
			return nil, &template.Error{Message: "No export named " + name + " found."}
		},
	}
}

// export returns the value that a stack exports under a name.
func (s *Service) export(account, region, name string) (string, bool) {
	for stack := range state.Stacks.By(s.db.Read(), "export", state.Key(account, region, name)) {
		for _, o := range stack.Outputs {
			if o.ExportName == name {
				return o.Value, true
			}
		}
	}
	return "", false
}

// capabilities returns what a template needs from its user, and the types that
// need it.
func (s *Service) capabilities(t *template.Template) (needs []string, types []string) {
	named := false
	for _, r := range t.Resources {
		handler := s.types[r.Type]
		if handler == nil || !handler.Schema().IAM {
			continue
		}
		if !slices.Contains(types, r.Type) {
			types = append(types, r.Type)
		}
		name := handler.Schema().Name
		named = named || name != "" && r.Properties.Get(name) != nil
	}
	switch {
	case named:
		return []string{"CAPABILITY_NAMED_IAM"}, types
	case types != nil:
		return []string{"CAPABILITY_IAM"}, types
	}
	return nil, nil
}

// checkCapabilities refuses a template that needs what was not granted.
func (s *Service) checkCapabilities(t *template.Template, granted []string) error {
	needs, _ := s.capabilities(t)
	for _, need := range needs {
		if !slices.Contains(granted, need) && !slices.Contains(granted, "CAPABILITY_NAMED_IAM") {
			return insufficient(need)
		}
	}
	return nil
}

func insufficient(capability string) error {
	return &cloudformationapi.InsufficientCapabilitiesException{Message: "Requires capabilities : [" + capability + "]"}
}

// check evaluates a resource's properties and checks them against its schema.
func (s *Service) check(e *template.Evaluator, r template.Resource) (*template.Value, error) {
	v, err := e.Value(r.Properties)
	if err != nil {
		return nil, err
	}
	if v == nil {
		v = template.Object()
	}
	return s.types[r.Type].Schema().Check(r.LogicalID, v)
}
