// Package ecsapi holds the generated API of Amazon Elastic Container Service: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/ecs/operations.txt; add a line there and run go generate.
package ecsapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate ecs
