// Package servicediscovery is AWS Cloud Map: namespaces, services and instances,
// which are found by name, in DNS and by DiscoverInstances.
//
// A namespace with DNS has a hosted zone in Route 53, which only Cloud Map
// changes. Route 53 is called through the gateway: as the caller of Cloud Map
// where AWS asks for the caller's permission (making a zone, registering an
// instance), and as Cloud Map where nobody called (an instance turned unhealthy).
//
// Changes of namespaces and instances are operations: a call records one and
// answers with its id, a loop carries it out and records how it ended.
//
// Left out: namespaces that other accounts share, and what names EC2 instances.
package servicediscovery
