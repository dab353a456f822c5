// Package acmapi holds the generated API of AWS Certificate Manager: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/acm/operations.txt; add a line there and run go generate.
package acmapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate acm
