// Package iamapi holds the generated API of AWS Identity and Access Management: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/iam/operations.txt; add a line there and run go generate.
package iamapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate iam
