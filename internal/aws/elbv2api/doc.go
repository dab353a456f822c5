// Package elbv2api holds the generated API of Elastic Load Balancing v2: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/elbv2/operations.txt; add a line there and run go generate.
package elbv2api

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate elbv2
