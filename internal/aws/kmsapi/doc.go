// Package kmsapi holds the generated API of AWS Key Management Service: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/kms/operations.txt; add a line there and run go generate.
package kmsapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate kms
