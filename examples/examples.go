// Package examples holds templates to try Neargate with. They are ordinary
// CloudFormation and SAM templates and would deploy to AWS as they are.
package examples

import "embed"

// IsolatedVPC is a private service in a VPC without a way to the internet.
//
//go:embed isolated-vpc
var IsolatedVPC embed.FS

// UploadToS3 is a task that uploads a file with its role, from a private registry.
//
//go:embed upload-to-s3
var UploadToS3 embed.FS

// PublicPrivate is a service in private subnets behind a NAT gateway.
//
//go:embed public-private
var PublicPrivate embed.FS

// HTTPSService is a service in private subnets behind a load balancer with HTTPS.
//
//go:embed https-service/*.yml
var HTTPSService embed.FS
