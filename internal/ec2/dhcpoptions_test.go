package ec2_test

import (
	"fmt"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// What a set of DHCP options says is what tasks are told, and whom they ask.
func TestDHCPOptionsReachTasks(t *testing.T) {
	w := newWorld(t)
	w.run()
	vpc := w.vpc("10.0.0.0/16")
	task := must(w.service.EnsureInterface(w.ctx, taskSpec("task", w.subnet(vpc, "10.0.1.0/24"))))
	told := func() string {
		i := must(w.service.Interface(task.Account, task.Region, task.ID))
		v, _ := w.engine.vpc(vpc)
		return fmt.Sprintf("%s %v %v", i.SearchDomain, i.DNSServers, v.Nameservers)
	}
	if got := told(); got != "eu-west-1.compute.internal [10.0.0.2] [10.0.0.2]" {
		t.Errorf("by the region's own options: %s", got)
	}
	create := func(options ...ec2api.NewDhcpConfiguration) (string, error) {
		out, err := w.service.CreateDhcpOptions(w.ctx, &ec2api.CreateDhcpOptionsRequest{DhcpConfigurations: options})
		if err != nil {
			return "", err
		}
		return out.DhcpOptions.DhcpOptionsId, nil
	}
	associate := func(id string) error {
		return w.service.AssociateDhcpOptions(w.ctx, &ec2api.AssociateDhcpOptionsRequest{VpcId: vpc, DhcpOptionsId: id})
	}
	id := must(create(ec2api.NewDhcpConfiguration{Key: "domain-name", Values: []string{"corp.example"}},
		ec2api.NewDhcpConfiguration{Key: "domain-name-servers", Values: []string{"10.0.1.53", "AmazonProvidedDNS"}},
		ec2api.NewDhcpConfiguration{Key: "ntp-servers", Values: []string{"10.0.1.123"}}))
	w.ok(associate(id))
	if got := told(); got != "corp.example [10.0.1.53 10.0.0.2] [10.0.1.53 10.0.0.2]" {
		t.Errorf("by options of its own: %s", got)
	}
	err := w.service.DeleteDhcpOptions(w.ctx, &ec2api.DeleteDhcpOptionsRequest{DhcpOptionsId: id})
	fails(t, err, "DependencyViolation", "The dhcpOptions '"+id+"' has dependencies and cannot be deleted.")
	w.ok(associate("default"))
	if got := told(); got != " [] []" {
		t.Errorf("without options: %s", got)
	}
	w.ok(w.service.DeleteDhcpOptions(w.ctx, &ec2api.DeleteDhcpOptionsRequest{DhcpOptionsId: id}))
	fails(t, associate(id), "InvalidDhcpOptionID.NotFound", id)
	for key, values := range map[string][]string{"colour": {"blue"}, "domain-name-servers": {"ns1"}, "netbios-node-type": {"3"}, "ntp-servers": {}} {
		_, err := create(ec2api.NewDhcpConfiguration{Key: key, Values: values})
		fails(t, err, "InvalidParameterValue", key)
	}
	w.ok(w.service.RemoveInterface(w.ctx, task.Account, task.Region, task.ID))
}
