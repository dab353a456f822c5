// Package servicediscoveryapi holds the generated API of AWS Cloud Map: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/servicediscovery/operations.txt; add a line there and run go generate.
package servicediscoveryapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate servicediscovery
