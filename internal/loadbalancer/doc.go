// Package loadbalancer carries traffic as Elastic Load Balancing does: an
// Application Load Balancer's HTTP (rules, actions, stickiness, HTTP/1.1,
// HTTP/2, gRPC, WebSockets, TLS) and a Network Load Balancer's flows.
//
// A Server is one load balancer. It is told what to be by Apply, at any time and
// without losing a connection, and is given one listening socket per node and
// listener by Serve. It reaches targets only through Options.Dial, and tells
// what it did through Options.Record and Options.Connection: access logs and
// metrics are made from these by others. Which targets are healthy is part of
// the configuration; package health finds it out.
//
// HTTP/1.1 is carried by a core of our own (package http1 parses, strictly):
// one goroutine per client connection, pooled buffers and target connections,
// bodies moved by splice where both ends are sockets. HTTP/2 is the standard
// library's.
//
// It knows no AWS API shapes and no records, only plain values.
package loadbalancer
