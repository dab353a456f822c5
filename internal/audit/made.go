package audit

import (
	"reflect"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/caller"
)

// makers begin the names of operations that make something, whose name is known
// from the answer only.
var makers = []string{"Create", "Run", "Register", "Allocate", "Import", "Request"}

// madeFields are the members of answers that name what was made, where the name
// does not follow from the operation's.
var madeFields = map[string]string{
	"CreateSecurityGroup": "GroupId", "AllocateAddress": "AllocationId", "CreateChangeSet": "Id", "CreateFlowLogs": "FlowLogIds", "CreateDefaultVpc": "VpcId", "CreateDefaultSubnet": "SubnetId",
	"AuthorizeSecurityGroupIngress": "SecurityGroupRuleId", "AuthorizeSecurityGroupEgress": "SecurityGroupRuleId",
}

// ec2Kinds are the words that stand for ids of EC2 in ARNs.
var ec2Kinds = map[string]string{
	"vpc": "vpc", "subnet": "subnet", "rtb": "route-table", "sg": "security-group", "sgr": "security-group-rule", "vpce": "vpc-endpoint", "igw": "internet-gateway", "eigw": "egress-only-internet-gateway",
	"nat": "natgateway", "acl": "network-acl", "eni": "network-interface", "eipalloc": "elastic-ip", "pcx": "vpc-peering-connection", "dopt": "dhcp-options", "fl": "vpc-flow-log", "pl": "prefix-list",
}

// made are the ARNs of what a call made, by its answer: the members "Arn",
// NOUNArn and NOUNId of CreateNOUN's output and of what is directly in it.
func (c *Call) made() []string {
	operation := c.Operation.Name
	names := []string{"Arn", "ARN"}
	if field := madeFields[operation]; field != "" {
		names = []string{field}
	} else {
		i := slices.IndexFunc(makers, func(m string) bool { return strings.HasPrefix(operation, m) })
		if i < 0 {
			return nil
		}
		noun := strings.TrimPrefix(operation, makers[i])
		names = append(names, noun+"Arn", noun+"ARN", noun+"Id")
	}
	out := reflect.Indirect(reflect.ValueOf(c.Out))
	if out.Kind() != reflect.Struct {
		return nil
	}
	all := named(out, names, &c.Identity)
	for i := range out.NumField() {
		switch field := reflect.Indirect(out.Field(i)); field.Kind() {
		case reflect.Struct:
			all = append(all, named(field, names, &c.Identity)...)
		case reflect.Slice:
			for j := range min(field.Len(), maxResources) {
				if item := reflect.Indirect(field.Index(j)); item.Kind() == reflect.Struct {
					all = append(all, named(item, names, &c.Identity)...)
				}
			}
		}
	}
	return all
}

// named are the ARNs in the members of a structure that have one of the names.
func named(v reflect.Value, names []string, id *caller.Identity) (all []string) {
	for _, name := range names {
		var values []string
		switch field := v.FieldByName(name); field.Kind() {
		case reflect.String:
			values = []string{field.String()}
		case reflect.Slice:
			values, _ = field.Interface().([]string)
		}
		for _, value := range values {
			kind, _, isID := strings.Cut(value, "-")
			switch {
			case strings.HasPrefix(value, "arn:"):
				all = append(all, value)
			case isID && ec2Kinds[kind] != "":
				all = append(all, "arn:aws:ec2:"+id.Region+":"+id.Account+":"+ec2Kinds[kind]+"/"+value)
			}
		}
	}
	return all
}
