// Package cloudwatch is Amazon CloudWatch: metrics, metric math, alarms and
// dashboards.
//
// Metrics are kept by package metrics, where the services of this instance record
// theirs (AWS/ApplicationELB, AWS/ECS ...) and PutMetricData puts those of users.
// Expressions are carried out by package expression. Alarms are records; a loop
// reads what their metrics came to and writes the state that package alarm decides.
//
// Not carried out, and refused by name: actions of alarms (there is nothing to act
// yet), anomaly detection, contributor insights, metric streams, Metrics Insights,
// searches, entities, widgets' images, alarms of logs, mute rules, other accounts'
// metrics, action suppression of composite alarms.
package cloudwatch
