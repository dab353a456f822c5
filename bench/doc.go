// Command bench measures Neargate against floors and peers in the same run and
// prints ratios: absolute figures move with the machine, ratios much less.
//
//	bench api      API throughput, latency and CPU against a server that only verifies signatures
//	bench start    start until ready, and idle memory
//	bench task     RunTask until the process runs, against our runtime alone,
//	               containerd's API with a daemon of its own, and plain runc
//	bench stack    examples/isolated-vpc deployed and deleted, by phase
//	bench proxy    a load balancer's HTTP and HTTPS beside nginx and HAProxy, each alone on one
//	               core; Debian's packages nginx-light, haproxy and wrk
//	bench network  throughput of VPCs beside a plain veth pair, a rule change at 1,000 rules,
//	               200 tasks in 20 VPCs of equal ranges
//
// It needs root and bin/neargate; `make bench` runs all of it.
package main
