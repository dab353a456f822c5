package check

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/check/rehearsal"
	"github.com/neargate/neargate/internal/check/terraform"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// readTerraform checks a directory of Terraform.
func (c *checker) readTerraform(dir string) error {
	names, err := listFiles(c.files.fs, dir)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".tf") }) {
		return ErrNothing
	}
	w := &terraformWorld{checker: c, scopes: map[string]*scope{}, nodes: map[string][]*planned{}}
	return terraform.Check(sources{c.files}, dir, c.options.Parameters, w)
}

// sources are files for package terraform.
type sources struct{ *files }

func (s sources) List(dir string) ([]string, error) { return listFiles(s.fs, dir) }
func (s sources) Read(file string) (string, error)  { return s.read(file) }
func listFiles(root fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// terraformWorld makes what Terraform says in the rehearsal.
type terraformWorld struct {
	*checker
	scopes map[string]*scope
	nodes  map[string][]*planned // by address without index
}

func (w *terraformWorld) Begin(region string) error { return w.open(region) }
func (w *terraformWorld) Account() string           { return w.options.Account }
func (w *terraformWorld) Region() string            { return w.options.Region }

func (w *terraformWorld) Zones() []string {
	if w.instance == nil {
		return nil
	}
	return w.instance.Zones(w.ctx)
}

// Mistake is a finding.
func (w *terraformWorld) Mistake(m terraform.Mistake) {
	s := Error
	if m.Code == "net.swapped-subnets" {
		s = Warning
	}
	f := Finding{Position: Position{m.File, m.Line, m.Column}, Severity: s, Code: m.Code, Message: m.Message}
	if m.Fix != "" {
		f.Fix = Fix{Lang: terraformLang, Text: m.Fix}
	}
	w.find(f)
}

// Make makes the parts of a resource.
func (w *terraformWorld) Make(r *terraform.Resource) map[string]string {
	s := w.scopes[r.Module]
	if s == nil {
		s = &scope{Name: "check" + strings.ReplaceAll(nameless.ReplaceAllString(r.Module, "-"), "--", "-"), Lang: terraformLang}
		s.Name = strings.Trim(s.Name, "-")
		w.scopes[r.Module] = s
	}
	if unmodelled(r.Kind) {
		w.unsure = append(w.unsure, r.Kind)
	}
	var waits []*planned
	for _, address := range r.Waits {
		waits = append(waits, w.nodes[address]...)
	}
	var attributes map[string]string
	id := ""
	for _, part := range r.Parts {
		p := &planned{Name: r.Address, Stack: s, Type: part.Type, Kind: r.Kind, Position: Position{r.File, r.Line, r.Column}, Given: own(part.Properties, id), Waits: waits, Part: part.Suffix}
		if part.Suffix == "" {
			id, attributes = w.makeFirst(p, r)
		} else {
			w.make(p)
		}
		base, _, _ := strings.Cut(r.Address, "[")
		w.nodes[base] = append(w.nodes[base], p)
	}
	return attributes
}

// makeFirst makes the resource itself and says what attributes it has.
func (w *terraformWorld) makeFirst(p *planned, r *terraform.Resource) (string, map[string]string) {
	if p.Type == "" { // aws_iam_role_policy_attachment
		role, policy := p.get("Role").Str(), p.get("PolicyArn")
		if role != "" && policy != nil {
			list := w.managedPolicies(p, &template.Value{Kind: template.List, Items: []*template.Value{policy}, Line: policy.Line})
			for _, item := range list.Items {
				w.instance.Attach(w.ctx, role, item.Str())
			}
		}
		return "", nil
	}
	result, ok := w.make(p)
	if !ok {
		return "", nil
	}
	out := map[string]string{"id": result.PhysicalID}
	if strings.HasPrefix(result.PhysicalID, "arn:") {
		out["arn"] = result.PhysicalID
	}
	for from, to := range map[string]string{"Arn": "arn", "AllocationId": "allocation_id", "DefaultSecurityGroup": "default_security_group_id", "RepositoryUri": "repository_url"} {
		if v := result.Attributes[from]; v.IsScalar() {
			out[to] = v.Text
		}
	}
	switch r.Kind {
	case "aws_iam_role", "aws_cloudwatch_log_group", "aws_ecr_repository", "aws_ecs_cluster", "aws_ssm_parameter":
		out["name"] = result.PhysicalID
	case "aws_eip":
		if out["allocation_id"] != "" {
			out["id"] = out["allocation_id"]
		}
	}
	if r.Kind == "aws_cloudwatch_log_group" {
		out["arn"] = strings.TrimSuffix(out["arn"], ":*")
	}
	if r.Kind == "aws_ecs_cluster" && out["arn"] != "" {
		out["id"] = out["arn"]
	}
	return result.PhysicalID, out
}

// own puts the id of a resource's first part into the properties of another.
func own(v *template.Value, id string) *template.Value {
	if v == nil {
		return template.Object()
	}
	out := *v
	out.Entries = slices.Clone(v.Entries)
	for i, e := range out.Entries {
		if e.Value.Str() == terraform.Self {
			out.Entries[i].Value = template.Text(id)
			if id == "" {
				out.Entries[i].Value = &template.Value{Kind: template.Unknown}
			}
		}
	}
	return &out
}

// unmodelled reports whether a kind of resource changes where packets go in a
// way that is not followed.
func unmodelled(kind string) bool {
	switch kind {
	case "aws_default_route_table", "aws_default_security_group", "aws_default_network_acl", "aws_main_route_table_association",
		"aws_default_vpc", "aws_default_subnet":
		return true
	}
	return strings.HasPrefix(kind, "aws_vpc_peering_connection_") || strings.HasPrefix(kind, "aws_ec2_transit_gateway") || strings.HasPrefix(kind, "aws_vpn") ||
		strings.HasPrefix(kind, "aws_vpc_endpoint_") || strings.HasPrefix(kind, "aws_networkfirewall")
}

// item is the resource for the rehearsal. Names that it gives are made of letters
// and digits.
func (p *planned) item(properties *template.Value) rehearsal.Item {
	name := nameless.ReplaceAllString(p.Name+p.Part, "")
	return rehearsal.Item{Stack: p.Stack.Name, Name: name, Type: p.Type, Properties: properties}
}
