package resource

// Types returns every resource type that Neargate carries out, by name.
// AWS::CloudFormation::Stack is the engine's own.
func Types() map[string]Type {
	all := []Type{
		vpc{}, subnet{}, routeTable{}, route{}, routeTableAssociation{}, internetGateway{}, gatewayAttachment{}, egressOnlyGateway{}, subnetCIDRBlock{},
		elasticIP{}, elasticIPAssociation{}, natGateway{},
		dhcpOptions{}, dhcpOptionsAssociation{}, peeringConnection{}, vpcCIDRBlock{}, flowLog{},
		networkACL{}, networkACLEntry{}, networkACLAssociation{}, prefixList{},
		securityGroup{}, securityGroupRule{egress: false}, securityGroupRule{egress: true}, vpcEndpoint{},
		insightsPath{}, insightsAnalysis{},
		ecsCluster{}, taskDefinition{}, ecsService{},
		iamRole{}, iamPolicy{}, iamManagedPolicy{}, iamUser{}, iamGroup{}, iamMembers{}, iamAccessKey{}, iamProfile{}, iamLinkedRole{}, iamProvider{},
		trail{}, logGroup{}, bucket{}, bucketPolicy{}, secret{}, parameter{}, repository{},
		kmsKey{}, kmsAlias{}, secretPolicy{},
		metricAlarm, compositeAlarm, dashboard{},
		certificate{}, loadBalancer{}, targetGroup{}, listener{}, listenerRule{}, listenerCertificate{}, trustStore{}, trustStoreRevocation{},
		hostedZone{}, recordSet{}, recordSetGroup{}, healthCheck{},
		namespaceOf("Http"), namespaceOf("PrivateDns"), namespaceOf("PublicDns"), discoveryService{}, discoveryInstance{},
	}
	types := make(map[string]Type, len(all))
	for _, t := range all {
		types[t.Schema().Type] = t
	}
	return types
}
