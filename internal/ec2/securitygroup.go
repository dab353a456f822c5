package ec2

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

const defaultGroupName = "default"

// groupText is what names and descriptions of groups and rules may consist of.
var groupText = regexp.MustCompile(`^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*$`)

const groupTextRule = `Valid %s are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*`

var securityGroupResource = resource[state.SecurityGroup]{
	table: state.SecurityGroups, kind: kindSecurityGroup,
	id:   func(g *state.SecurityGroup) string { return g.ID },
	tags: func(g *state.SecurityGroup) []state.Tag { return g.Tags },
	fields: func() fields[state.SecurityGroup] {
		f := fields[state.SecurityGroup]{
			"group-id":    func(_ *scope, g *state.SecurityGroup) []string { return one(g.ID) },
			"group-name":  func(_ *scope, g *state.SecurityGroup) []string { return one(g.Name) },
			"description": func(_ *scope, g *state.SecurityGroup) []string { return one(g.Description) },
			"owner-id":    func(_ *scope, g *state.SecurityGroup) []string { return one(g.Account) },
			"vpc-id":      func(_ *scope, g *state.SecurityGroup) []string { return one(g.VpcID) },
		}
		for _, egress := range []bool{false, true} {
			prefix := "ip-permission."
			if egress {
				prefix = "egress.ip-permission."
			}
			rules := func(value func(g *state.SecurityGroup, r state.SecurityGroupRule) string) func(*scope, *state.SecurityGroup) []string {
				return func(_ *scope, g *state.SecurityGroup) []string {
					var values []string
					for _, r := range g.Rules {
						if r.Egress == egress {
							values = append(values, one(value(g, r))...)
						}
					}
					return values
				}
			}
			f[prefix+"cidr"] = rules(func(_ *state.SecurityGroup, r state.SecurityGroupRule) string { return r.CIDRIPv4 })
			f[prefix+"ipv6-cidr"] = rules(func(_ *state.SecurityGroup, r state.SecurityGroupRule) string { return r.CIDRIPv6 })
			f[prefix+"prefix-list-id"] = rules(func(_ *state.SecurityGroup, r state.SecurityGroupRule) string { return r.PrefixListID })
			f[prefix+"group-id"] = rules(func(_ *state.SecurityGroup, r state.SecurityGroupRule) string { return r.ReferencedGroupID })
			f[prefix+"protocol"] = rules(func(_ *state.SecurityGroup, r state.SecurityGroupRule) string { return r.Protocol })
			f[prefix+"from-port"] = rules(func(_ *state.SecurityGroup, r state.SecurityGroupRule) string { return portText(r, r.FromPort) })
			f[prefix+"to-port"] = rules(func(_ *state.SecurityGroup, r state.SecurityGroupRule) string { return portText(r, r.ToPort) })
			f[prefix+"user-id"] = rules(func(g *state.SecurityGroup, r state.SecurityGroupRule) string {
				if r.ReferencedGroupID == "" {
					return ""
				}
				return g.Account
			})
		}
		return f
	}(),
}

// defaultGroup is the group that every VPC has: its members may talk to each
// other, and out.
func defaultGroup(q *scope, vpcID string) *state.SecurityGroup {
	g := &state.SecurityGroup{
		Account: q.account, Region: q.region, ID: ids.New("sg"), VpcID: vpcID, Tool: q.tool(),
		Name: defaultGroupName, Description: "default VPC security group",
	}
	g.Rules = []state.SecurityGroupRule{
		{ID: ids.New("sgr"), Protocol: allProtocols, FromPort: -1, ToPort: -1, ReferencedGroupID: g.ID},
		allowAllOut(),
	}
	return g
}

// allowedOut are the rules that let a new group of a VPC send everything.
func allowedOut(vpc *state.Vpc) []state.SecurityGroupRule {
	if len(vpc.IPv6CIDRs) == 0 {
		return []state.SecurityGroupRule{allowAllOut()}
	}
	return []state.SecurityGroupRule{allowAllOut(), allowAllOut6()}
}

func allowAllOut6() state.SecurityGroupRule {
	return state.SecurityGroupRule{ID: ids.New("sgr"), Egress: true, Protocol: allProtocols, FromPort: -1, ToPort: -1, CIDRIPv6: "::/0"}
}

func allowAllOut() state.SecurityGroupRule {
	return state.SecurityGroupRule{ID: ids.New("sgr"), Egress: true, Protocol: allProtocols, FromPort: -1, ToPort: -1, CIDRIPv4: "0.0.0.0/0"}
}

// defaultGroupOf returns the default security group of a VPC.
func (q *scope) defaultGroupOf(vpcID string) *state.SecurityGroup {
	for g := range state.SecurityGroups.By(q.tx, "vpc", q.key(vpcID)) {
		if g.Name == defaultGroupName {
			return g
		}
	}
	return &state.SecurityGroup{}
}

// CreateSecurityGroup makes a group that lets everything out and nothing in.
func (s *Service) CreateSecurityGroup(ctx context.Context, in *ec2api.CreateSecurityGroupRequest) (*ec2api.CreateSecurityGroupResult, error) {
	if err := checkGroupNames(in.GroupName, in.Description); err != nil {
		return nil, err
	}
	var out ec2api.CreateSecurityGroupResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		vpcID := in.VpcId
		if vpcID == "" {
			vpc, ok := q.defaultVpc()
			if !ok {
				return errorf("VPCIdNotSpecified", "No default VPC for this user")
			}
			vpcID = vpc.ID
		}
		vpc, err := get(q, state.Vpcs, kindVpc, vpcID)
		if err != nil {
			return err
		}
		if _, ok := q.groupByName(vpc.ID, in.GroupName); ok {
			return errorf("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", in.GroupName, vpc.ID)
		}
		if err := oneMore(quotaGroups, state.SecurityGroups.All(q.tx, q.prefix())); err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "security-group")
		if err != nil {
			return err
		}
		g := &state.SecurityGroup{
			Account: q.account, Region: q.region, ID: ids.New("sg"), VpcID: vpc.ID, Tool: q.tool(),
			Name: in.GroupName, Description: in.Description, Rules: allowedOut(vpc), Tags: tags,
		}
		state.SecurityGroups.Put(q.tx, g)
		q.touch(vpc.ID)
		out = ec2api.CreateSecurityGroupResult{GroupId: g.ID, Tags: apiTags(tags), SecurityGroupArn: resourceARN(g.Account, g.Region, "security-group", g.ID)}
		return nil
	})
	return &out, err
}

func checkGroupNames(name, description string) error {
	switch {
	case name == "":
		return errMissing("groupName")
	case description == "":
		return errMissing("groupDescription")
	case strings.EqualFold(name, defaultGroupName):
		return errorf("InvalidParameterValue", "Cannot use reserved security group name: %s", name)
	case strings.HasPrefix(strings.ToLower(name), "sg-"):
		return errParameter(name, "groupName", "Group names may not be in the format sg-*.")
	case len(name) > 255 || !groupText.MatchString(name):
		return errorf("InvalidParameterValue", "Invalid security group name. "+groupTextRule, "names")
	case len(description) > 255 || !groupText.MatchString(description):
		return errorf("InvalidParameterValue", "Invalid security group description. "+groupTextRule, "descriptions")
	}
	return nil
}

func (q *scope) groupByName(vpcID, name string) (*state.SecurityGroup, bool) {
	for g := range state.SecurityGroups.By(q.tx, "vpc", q.key(vpcID)) {
		if g.Name == name {
			return g, true
		}
	}
	return nil, false
}

// group finds a group by its id or, in the default VPC, by its name.
func (q *scope) group(id, name string) (*state.SecurityGroup, error) {
	switch {
	case id != "" && name != "":
		return nil, errorf("InvalidParameterCombination", "The parameter groupId cannot be used with the parameter groupName")
	case id != "":
		if !strings.HasPrefix(id, "sg-") {
			return nil, errorf("InvalidGroupId.Malformed", "Invalid id: \"%s\" (expecting \"sg-...\")", id)
		}
		return get(q, state.SecurityGroups, kindSecurityGroup, id)
	case name == "":
		return nil, errorf("MissingParameter", "The request must contain the parameter groupName or groupId")
	}
	if vpc, ok := q.defaultVpc(); ok {
		if g, ok := q.groupByName(vpc.ID, name); ok {
			return g, nil
		}
		return nil, errorf("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", name, vpc.ID)
	}
	return nil, kindSecurityGroup.notFound(name)
}

// DescribeSecurityGroups lists groups with their rules.
func (s *Service) DescribeSecurityGroups(ctx context.Context, in *ec2api.DescribeSecurityGroupsRequest) (*ec2api.DescribeSecurityGroupsResult, error) {
	var out ec2api.DescribeSecurityGroupsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		wanted := slices.Clone(in.GroupIds)
		for _, id := range in.GroupIds {
			if _, err := q.group(id, ""); err != nil {
				return err
			}
		}
		for _, name := range in.GroupNames {
			g, err := q.group("", name)
			if err != nil {
				return err
			}
			wanted = append(wanted, g.ID)
		}
		found, next, err := list(q, securityGroupResource, query{wanted, "groupIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.SecurityGroups = each(found, q.securityGroupOut)
		return err
	})
	return &out, err
}

func (q *scope) securityGroupOut(g *state.SecurityGroup) ec2api.SecurityGroup {
	return ec2api.SecurityGroup{
		GroupId: g.ID, GroupName: g.Name, Description: g.Description, OwnerId: g.Account, VpcId: g.VpcID,
		SecurityGroupArn:    resourceARN(g.Account, g.Region, "security-group", g.ID),
		IpPermissions:       q.permissionsOut(g, false),
		IpPermissionsEgress: q.permissionsOut(g, true),
		Tags:                apiTags(g.Tags),
	}
}

// DeleteSecurityGroup deletes a group that no interface carries and no other
// group's rule names.
func (s *Service) DeleteSecurityGroup(ctx context.Context, in *ec2api.DeleteSecurityGroupRequest) (*ec2api.DeleteSecurityGroupResult, error) {
	var out ec2api.DeleteSecurityGroupResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		g, err := q.group(in.GroupId, in.GroupName)
		if err != nil {
			return err
		}
		if g.Name == defaultGroupName {
			return errorf("CannotDelete", "the specified group: \"%s\" name: \"%s\" cannot be deleted by a user", g.ID, g.Name)
		}
		key := g.Key()
		if exists(state.NetworkInterfaces.By(q.tx, "group", key)) || q.namedAtHome(g) || exists(state.VpcEndpoints.By(q.tx, "group", key)) {
			return errorf("DependencyViolation", "resource %s has a dependent object", g.ID)
		}
		state.SecurityGroups.Delete(q.tx, key)
		q.touch(g.VpcID)
		yes := true
		out = ec2api.DeleteSecurityGroupResult{Return: &yes, GroupId: g.ID}
		return nil
	})
	return &out, err
}
