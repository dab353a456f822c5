// Command sdkv1 calls AWS as programs of aws-sdk-go's first version do, among them
// Terraform's provider before its fifth: no endpoint settings, AWS's own names,
// buckets as hosts, the query protocols. It prints what it got, a line each. A module
// of its own, so that nothing else depends on that SDK.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/endpoints"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/ec2"
	"github.com/aws/aws-sdk-go/service/ecs"
	"github.com/aws/aws-sdk-go/service/elbv2"
	"github.com/aws/aws-sdk-go/service/iam"
	"github.com/aws/aws-sdk-go/service/route53"
	"github.com/aws/aws-sdk-go/service/s3"
	"github.com/aws/aws-sdk-go/service/sts"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(bucket string) error {
	s, err := session.NewSession(&aws.Config{MaxRetries: aws.Int(25), STSRegionalEndpoint: endpoints.LegacySTSEndpoint})
	if err != nil {
		return err
	}
	for _, step := range []func(*session.Session) error{identity, network, containers, names} {
		if err := step(s); err != nil {
			return err
		}
	}
	return objects(s, bucket)
}

// code is AWS's code of an error, as programs ask for it.
func code(err error) string {
	var coded awserr.Error
	if errors.As(err, &coded) {
		return coded.Code()
	}
	return fmt.Sprint(err)
}

// identity: the query protocol, the global endpoints of STS and IAM.
func identity(s *session.Session) error {
	who, err := sts.New(s).GetCallerIdentity(&sts.GetCallerIdentityInput{})
	if err != nil {
		return err
	}
	fmt.Println("account", *who.Account)
	_, err = iam.New(s).GetRole(&iam.GetRoleInput{RoleName: aws.String("nobody")})
	fmt.Println("a role that is not there:", code(err))
	return nil
}

// network: EC2's own protocol, with lists, filters, and a waiter.
func network(s *session.Session) error {
	c := ec2.New(s)
	made, err := c.CreateVpc(&ec2.CreateVpcInput{
		CidrBlock:         aws.String("10.70.0.0/16"),
		TagSpecifications: []*ec2.TagSpecification{{ResourceType: aws.String("vpc"), Tags: []*ec2.Tag{{Key: aws.String("Name"), Value: aws.String("v1")}}}},
	})
	if err != nil {
		return err
	}
	here := []*ec2.Filter{{Name: aws.String("vpc-id"), Values: []*string{made.Vpc.VpcId}}, {Name: aws.String("tag:Name"), Values: aws.StringSlice([]string{"v1", "v2"})}}
	if err := c.WaitUntilVpcAvailable(&ec2.DescribeVpcsInput{Filters: here}); err != nil {
		return err
	}
	err = c.DescribeVpcsPages(&ec2.DescribeVpcsInput{Filters: here}, func(page *ec2.DescribeVpcsOutput, _ bool) bool {
		fmt.Println("vpc", *page.Vpcs[0].CidrBlock, *page.Vpcs[0].Tags[0].Value)
		return true
	})
	if err != nil {
		return err
	}
	_, err = c.CreateSubnet(&ec2.CreateSubnetInput{VpcId: made.Vpc.VpcId, CidrBlock: aws.String("10.71.0.0/24")})
	fmt.Println("a subnet outside:", code(err))
	_, err = c.DeleteVpc(&ec2.DeleteVpcInput{VpcId: made.Vpc.VpcId})
	return err
}

// containers: the JSON protocol and the query protocol of load balancers.
func containers(s *session.Session) error {
	out, err := ecs.New(s).DescribeClusters(&ecs.DescribeClustersInput{Clusters: aws.StringSlice([]string{"nothing"})})
	if err != nil {
		return err
	}
	fmt.Println("a cluster that is not there:", *out.Failures[0].Reason)
	_, err = elbv2.New(s).DescribeLoadBalancers(&elbv2.DescribeLoadBalancersInput{Names: aws.StringSlice([]string{"nothing"})})
	fmt.Println("a load balancer that is not there:", code(err))
	return nil
}

// names: XML by REST, with the zone's id in the path.
func names(s *session.Session) error {
	_, err := route53.New(s).GetHostedZone(&route53.GetHostedZoneInput{Id: aws.String("/hostedzone/Z0000000000000")})
	fmt.Println("a zone that is not there:", code(err))
	return nil
}

// objects: a bucket in another region, as a host, and a body that waits for 100-continue.
func objects(s *session.Session, bucket string) error {
	c := s3.New(s, aws.NewConfig().WithRegion("eu-central-1"))
	_, err := c.HeadBucket(&s3.HeadBucketInput{Bucket: &bucket})
	fmt.Println("a bucket that is not there:", code(err))
	where := &s3.CreateBucketConfiguration{LocationConstraint: aws.String("eu-central-1")}
	if _, err := c.CreateBucket(&s3.CreateBucketInput{Bucket: &bucket, CreateBucketConfiguration: where}); err != nil {
		return err
	}
	body := bytes.Repeat([]byte("neargate"), 400_000)
	key := aws.String("a folder/with + signs/ä")
	if _, err := c.PutObject(&s3.PutObjectInput{Bucket: &bucket, Key: key, Body: bytes.NewReader(body)}); err != nil {
		return err
	}
	out, err := c.GetObject(&s3.GetObjectInput{Bucket: &bucket, Key: key, Range: aws.String("bytes=8-15")})
	if err != nil {
		return err
	}
	part, err := io.ReadAll(out.Body)
	if err != nil {
		return err
	}
	fmt.Println("a part of the object:", string(part), *out.ContentRange)
	// The first client's region is another one: S3 says which is right.
	_, err = s3.New(s).DeleteObject(&s3.DeleteObjectInput{Bucket: &bucket, Key: key})
	fmt.Println("by another region:", code(err))
	if _, err := c.DeleteObject(&s3.DeleteObjectInput{Bucket: &bucket, Key: key}); err != nil {
		return err
	}
	_, err = c.DeleteBucket(&s3.DeleteBucketInput{Bucket: &bucket})
	fmt.Println("deleted:", err == nil)
	return err
}
