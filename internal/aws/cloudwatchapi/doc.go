// Package cloudwatchapi holds the generated API of Amazon CloudWatch: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/cloudwatch/operations.txt; add a line there and run go generate.
package cloudwatchapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate cloudwatch
