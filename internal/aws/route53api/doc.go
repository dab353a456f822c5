// Package route53api holds the generated API of Amazon Route 53: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/route53/operations.txt; add a line there and run go generate.
package route53api

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate route53
