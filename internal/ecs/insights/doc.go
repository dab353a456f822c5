// Package insights is Container Insights of Amazon ECS: each minute it writes
// performance lines of every cluster that has containerInsights turned on into
// the log group /aws/ecs/containerinsights/CLUSTER/performance, as ECS does. The
// lines are in CloudWatch's embedded metric format, one per task, container,
// service and cluster.
//
// The lines are made by pure functions (lines.go) from records and measured
// usage; Writer stores them through the API of CloudWatch Logs as the service
// principal of ECS.
package insights
