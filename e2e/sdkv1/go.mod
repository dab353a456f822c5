module github.com/neargate/neargate/e2e/sdkv1

go 1.24

require github.com/aws/aws-sdk-go v1.43.9

require github.com/jmespath/go-jmespath v0.4.0 // indirect
