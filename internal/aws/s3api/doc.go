// Package s3api holds the generated API of Amazon S3: shapes, enumerations,
// errors, the API interface that the service implements, and Model, its
// description for package wire. The operations are those of
// models/s3/operations.txt; add a line there and run go generate.
package s3api

//go:generate go run github.com/neargate/neargate/cmd/awsgen generate s3
