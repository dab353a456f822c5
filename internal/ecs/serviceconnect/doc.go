// Package serviceconnect is the proxy of Amazon ECS Service Connect: each task of a
// service that has it on gets one. What the containers send to an endpoint
// (a name and port of their hosts file, at 127.255.0.x) goes to a task behind
// that endpoint; what comes from outside to a port that the task offers goes to
// its container.
//
// Neargate hosts the proxy itself, by sockets in the network namespace of the
// task: packets between tasks are real and meet security groups and routes, and
// the proxy takes nothing of the task's CPU and memory. The traffic is carried
// by package loadbalancer, one Server per endpoint and per port.
//
// Which endpoints a task has is in its record (state.TaskConnect), fixed when its
// deployment began, as on AWS. Who is behind them is what Cloud Map says now. The
// loop keeps the proxies of all tasks so, and puts tasks into Cloud Map and takes
// them out. After a restart everything comes back from the records.
package serviceconnect
