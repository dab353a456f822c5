// Package ec2api holds the generated API of Amazon EC2: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/ec2/operations.txt; add a line there and run go generate.
package ec2api

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate ec2
