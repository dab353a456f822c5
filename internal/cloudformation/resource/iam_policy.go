package resource

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// iamPolicy is AWS::IAM::Policy: an inline policy put on roles, users and groups.
type iamPolicy struct{}

var iamPolicySchema = &Schema{
	Type: "AWS::IAM::Policy",
	Properties: Properties{
		"PolicyName": String.Required(), "PolicyDocument": Document.Required(), "Roles": Strings, "Users": Strings, "Groups": Strings,
	},
	Attributes: []string{"Id"},
	IAM:        true,
}

// Schema is the type's schema.
func (iamPolicy) Schema() *Schema { return iamPolicySchema }

// Create puts the policy on its holders. Its id is a name of its own.
func (iamPolicy) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		r.PhysicalID = r.Name(128)
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return iamPolicyPut(ctx, r)
}

func iamPolicyPut(ctx context.Context, r *Request) (Result, error) {
	name, document := r.Text("PolicyName"), r.Properties.Get("PolicyDocument").JSON()
	for _, h := range holders(r.Properties) {
		if err := h.put(ctx, r, name, document); err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, nil
}

// Update puts the policy where it is wanted and takes it off elsewhere.
func (iamPolicy) Update(ctx context.Context, r *Request) (Result, error) {
	result, err := iamPolicyPut(ctx, r)
	if err != nil {
		return result, err
	}
	wanted := holders(r.Properties)
	for _, h := range holders(r.Previous) {
		if slices.Contains(wanted, h) && !r.Changed("PolicyName") {
			continue
		}
		if err := h.remove(ctx, r, r.Previous.Get("PolicyName").Str()); err != nil {
			return result, err
		}
	}
	return result, nil
}

// Delete takes the policy off its holders.
func (iamPolicy) Delete(ctx context.Context, r *Request) error {
	for _, h := range holders(r.Properties) {
		if err := h.remove(ctx, r, r.Text("PolicyName")); err != nil {
			return err
		}
	}
	return nil
}

// iamManagedPolicy is AWS::IAM::ManagedPolicy.
type iamManagedPolicy struct{}

var iamManagedPolicySchema = &Schema{
	Type: "AWS::IAM::ManagedPolicy",
	Properties: Properties{
		"ManagedPolicyName": String.Replaces(), "Path": String.Replaces(), "Description": String.Replaces(), "PolicyDocument": Document.Required(),
		"Roles": Strings, "Users": Strings, "Groups": Strings,
	},
	Attributes: []string{"PolicyArn", "PolicyId", "DefaultVersionId", "AttachmentCount"},
	Name:       "ManagedPolicyName",
	IAM:        true,
}

// Schema is the type's schema.
func (iamManagedPolicy) Schema() *Schema { return iamManagedPolicySchema }

// Create makes the policy and attaches it.
func (iamManagedPolicy) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &iamapi.CreatePolicyRequest{PolicyName: r.Or("ManagedPolicyName", r.Name(128)), Path: r.Text("Path"), Description: r.Text("Description"), PolicyDocument: r.Properties.Get("PolicyDocument").JSON()}
		out, err := r.iam().CreatePolicy(ctx, in)
		switch {
		case err == nil:
			r.PhysicalID = out.Policy.Arn
		case r.Retry && isCode(err, "EntityAlreadyExists"):
			r.PhysicalID = "arn:aws:iam::" + r.Account + ":policy" + r.Or("Path", "/") + in.PolicyName
		default:
			return Result{}, err
		}
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return iamManagedPolicyResult(ctx, r, r.attach(ctx, nil))
}

// attach attaches the policy where it is wanted and detaches it where old had it.
func (r *Request) attach(ctx context.Context, old *template.Value) error {
	wanted, had := holders(r.Properties), holders(old)
	for _, h := range wanted {
		if !slices.Contains(had, h) {
			if err := h.attach(ctx, r, r.PhysicalID); err != nil {
				return err
			}
		}
	}
	for _, h := range had {
		if !slices.Contains(wanted, h) {
			if err := h.detach(ctx, r, r.PhysicalID); err != nil {
				return err
			}
		}
	}
	return nil
}

// Update makes a new default version and changes attachments.
func (iamManagedPolicy) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("PolicyDocument") {
		if err := r.dropOldVersions(ctx); err != nil {
			return Result{}, err
		}
		_, err := r.iam().CreatePolicyVersion(ctx, &iamapi.CreatePolicyVersionRequest{PolicyArn: r.PhysicalID, PolicyDocument: r.Properties.Get("PolicyDocument").JSON(), SetAsDefault: true})
		if err != nil {
			return Result{}, err
		}
	}
	return iamManagedPolicyResult(ctx, r, r.attach(ctx, r.Previous))
}

// dropOldVersions deletes the versions that are not the default: there may be five.
func (r *Request) dropOldVersions(ctx context.Context) error {
	out, err := r.iam().ListPolicyVersions(ctx, &iamapi.ListPolicyVersionsRequest{PolicyArn: r.PhysicalID})
	if err != nil {
		return gone(err, "NoSuchEntity")
	}
	for _, v := range out.Versions {
		if v.IsDefaultVersion {
			continue
		}
		err := r.iam().DeletePolicyVersion(ctx, &iamapi.DeletePolicyVersionRequest{PolicyArn: r.PhysicalID, VersionId: v.VersionId})
		if err = gone(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	return nil
}

// Delete detaches and deletes the policy.
func (iamManagedPolicy) Delete(ctx context.Context, r *Request) error {
	for _, h := range holders(r.Properties) {
		if err := h.detach(ctx, r, r.PhysicalID); err != nil {
			return err
		}
	}
	if err := r.dropOldVersions(ctx); err != nil {
		return err
	}
	return gone(r.iam().DeletePolicy(ctx, &iamapi.DeletePolicyRequest{PolicyArn: r.PhysicalID}), "NoSuchEntity")
}

func iamManagedPolicyResult(ctx context.Context, r *Request, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	out, err := r.iam().GetPolicy(ctx, &iamapi.GetPolicyRequest{PolicyArn: r.PhysicalID})
	if err != nil {
		return Result{}, err
	}
	p := out.Policy
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("PolicyArn", p.Arn, "PolicyId", p.PolicyId, "DefaultVersionId", p.DefaultVersionId, "AttachmentCount", itoa(p.AttachmentCount))}, nil
}
