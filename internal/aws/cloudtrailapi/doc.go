// Package cloudtrailapi holds the generated API of AWS CloudTrail: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/cloudtrail/operations.txt; add a line there and run go generate.
package cloudtrailapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate cloudtrail
