// Package ssmapi holds the generated API of AWS Systems Manager (parameters): shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/ssm/operations.txt; add a line there and run go generate.
package ssmapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate ssm
