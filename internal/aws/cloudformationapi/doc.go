// Package cloudformationapi holds the generated API of AWS CloudFormation: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/cloudformation/operations.txt; add a line there and run go generate.
package cloudformationapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate cloudformation
