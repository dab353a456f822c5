// Package secretsmanagerapi holds the generated API of AWS Secrets Manager: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/secretsmanager/operations.txt; add a line there and run go generate.
package secretsmanagerapi

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate secretsmanager
