// Package logs is Amazon CloudWatch Logs: log groups with their retention, log
// streams, and the events that the awslogs driver, Container Insights and users
// put into them and read back by time or by filter pattern.
//
// Groups and streams are records (state.LogGroups, state.LogStreams); events
// are in package logstore. PutLogEvents answers once the events are on disk.
// Expired events are not returned from the moment they expire; their segments
// are deleted by the loop.
//
// Not carried out, and refused by name: KMS keys of one's own, log classes
// other than STANDARD, other accounts, space-delimited filter patterns,
// subscription and metric filters, queries.
package logs
