// Package ecrapi holds the generated API of Amazon Elastic Container Registry: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/ecr/operations.txt; add a line there and run go generate.
package ecrapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate ecr
