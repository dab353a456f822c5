// Package ec2 is Amazon EC2's API for VPC networking: VPCs, subnets, route
// tables, gateways, security groups, endpoints, network interfaces and elastic
// addresses. There are no instances.
//
// A handler runs one transaction on the records in package state and answers in
// AWS's words; what the API accepts and we do not carry out is refused by its
// name (see unsupported). After a change the handler names the VPCs that it
// touched; the loop turns the records of such a VPC into a plain network.VPC
// (hostView, pure) and hands it to the data plane, then writes what became
// available. A VPC in which nothing has an address is not on the host at all.
//
// The ECS agent makes and removes the interfaces of tasks with EnsureInterface
// and RemoveInterface, which wait until the data plane follows. Diagnosis reads
// with the methods of lookup.go.
//
// Each account and region gets its default VPC on first use, as on AWS.
package ec2
