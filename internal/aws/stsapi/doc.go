// Package stsapi holds the generated API of AWS Security Token Service: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/sts/operations.txt; add a line there and run go generate.
package stsapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate sts
