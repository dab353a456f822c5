package cloudformation_test

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/state"
)

// What SAM makes before its first deployment, in its own form: strings for
// booleans, a policy that denies plain HTTP.
const managed = `{"AWSTemplateFormatVersion": "2010-09-09", "Transform": "AWS::Serverless-2016-10-31", "Description": "Managed Stack for AWS SAM CLI",
 "Metadata": {"SamCliInfo": "1.164.0"},
 "Resources": {
  "SamCliSourceBucket": {"Type": "AWS::S3::Bucket", "Properties": {
    "VersioningConfiguration": {"Status": "Enabled"},
    "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]},
    "PublicAccessBlockConfiguration": {"BlockPublicPolicy": "true", "BlockPublicAcls": "true", "IgnorePublicAcls": "true", "RestrictPublicBuckets": "true"},
    "Tags": [{"Key": "ManagedStackSource", "Value": "AwsSamCli"}]}},
  "SamCliSourceBucketBucketPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "SamCliSourceBucket"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": [
    {"Action": ["s3:GetObject"], "Effect": "Allow", "Resource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Ref": "SamCliSourceBucket"}, "/*"]]}, "Principal": {"Service": "serverlessrepo.amazonaws.com"},
     "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}},
    {"Action": ["s3:*"], "Effect": "Deny", "Resource": [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${SamCliSourceBucket}"}, {"Fn::Sub": "arn:${AWS::Partition}:s3:::${SamCliSourceBucket}/*"}], "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}}}},
 "Outputs": {"SourceBucket": {"Value": {"Ref": "SamCliSourceBucket"}}}}`

func TestManagedStackOfSAM(t *testing.T) {
	w := newWorld(t)
	set := w.set(cloudformationapi.CreateChangeSetInput{StackName: "aws-sam-cli-managed-default", ChangeSetName: "InitialCreation", ChangeSetType: "CREATE", TemplateBody: managed,
		Tags: []cloudformationapi.Tag{{Key: "ManagedStackSource", Value: "AwsSamCli"}}, Capabilities: []cloudformationapi.Capability{"CAPABILITY_IAM"}})
	if set.Status != "CREATE_COMPLETE" {
		t.Fatal(set.StatusReason)
	}
	if _, err := w.api.ExecuteChangeSet(w.ctx, &cloudformationapi.ExecuteChangeSetInput{StackName: "aws-sam-cli-managed-default", ChangeSetName: "InitialCreation"}); err != nil {
		t.Fatal(err)
	}
	s := w.ended("aws-sam-cli-managed-default")
	w.expect(s, "CREATE_COMPLETE")
	bucket := output(s, "SourceBucket")
	if !strings.HasPrefix(bucket, "aws-sam-cli-managed-default-samclisourcebucket-") || len(s.Tags) != 1 {
		t.Errorf("bucket %s, tags %v", bucket, s.Tags)
	}
	versioning := call[s3api.GetBucketVersioningOutput](w, s3api.Model, "GetBucketVersioning", &s3api.GetBucketVersioningRequest{Bucket: bucket})
	encryption := call[s3api.GetBucketEncryptionOutput](w, s3api.Model, "GetBucketEncryption", &s3api.GetBucketEncryptionRequest{Bucket: bucket})
	policy := call[s3api.GetBucketPolicyOutput](w, s3api.Model, "GetBucketPolicy", &s3api.GetBucketPolicyRequest{Bucket: bucket})
	if versioning.Status != "Enabled" || encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm != "aws:kms" || !strings.Contains(policy.Policy, "aws:SecureTransport") {
		t.Errorf("%+v %+v %s", versioning, encryption, policy.Policy)
	}
	call[s3api.PutObjectOutput](w, s3api.Model, "PutObject", &s3api.PutObjectRequest{Bucket: bucket, Key: "k", Body: io.NopCloser(strings.NewReader("x")), ContentLength: new(int64(1))})
	_ = w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "aws-sam-cli-managed-default"})
	w.expect(w.ended("aws-sam-cli-managed-default"), "DELETE_FAILED")
	if !strings.Contains(w.events(s.StackId), "SamCliSourceBucket DELETE_FAILED Resource handler returned message: \"The bucket you tried to delete is not empty") {
		t.Error(w.events(s.StackId))
	}
}

const everything = `
Parameters:
  Size: {Type: Number, Default: 20}
  Mutable: {Type: String, Default: MUTABLE}
Conditions:
  Grown: !Not [!Equals [!Ref Size, 20]]
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16, EnableDnsHostnames: 'true', Tags: [{Key: Size, Value: !Ref Size}]}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 2, 8]], MapPublicIpOnLaunch: true}}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Route: {Type: AWS::EC2::Route, DependsOn: Attachment, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}
  Association: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {RouteTableId: !Ref Table, SubnetId: !Ref Subnet}}
  Subnet2: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [1, !Cidr [!GetAtt Vpc.CidrBlock, 2, 8]], AvailabilityZone: !Select [1, !GetAZs '']}}
  Balancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    DependsOn: [Attachment, Linked] # whose role it uses
    Properties: {Subnets: [!Ref Subnet, !Ref Subnet2], SecurityGroups: [!Ref Group], LoadBalancerAttributes: [{Key: idle_timeout.timeout_seconds, Value: !Ref Size}], Tags: [{Key: Size, Value: !Ref Size}]}
  Targets:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      {VpcId: !Ref Vpc, Protocol: HTTP, Port: 80, TargetType: ip, Matcher: {HttpCode: '200-299'}, HealthCheckIntervalSeconds: !Ref Size, TargetGroupAttributes: [{Key: deregistration_delay.timeout_seconds, Value: !Ref Size}], Targets: [{Id: !Sub '10.1.0.${Size}', Port: 80}]}
  NetBalancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    DependsOn: [Attachment, Linked]
    Properties: {Type: network, SubnetMappings: [{SubnetId: !Ref Subnet, AllocationId: !GetAtt NetAddress.AllocationId}], LoadBalancerAttributes: [{Key: load_balancing.cross_zone.enabled, Value: 'true'}], Tags: [{Key: Size, Value: !Ref Size}]}
  NetAddress: {Type: AWS::EC2::EIP, DependsOn: Attachment, Properties: {Domain: vpc}}
  NetTargets:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {VpcId: !Ref Vpc, Protocol: TCP, Port: 80, TargetType: ip, HealthCheckIntervalSeconds: !Ref Size, TargetGroupAttributes: [{Key: preserve_client_ip.enabled, Value: 'true'}]}
  NetListener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {LoadBalancerArn: !Ref NetBalancer, Port: 80, Protocol: TCP, DefaultActions: [{Type: forward, TargetGroupArn: !Ref NetTargets}], ListenerAttributes: [{Key: tcp.idle_timeout.seconds, Value: !Sub '1${Size}'}]}
  NetListenerTLS:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {LoadBalancerArn: !Ref NetBalancer, Port: 443, Protocol: TLS, AlpnPolicy: [HTTP2Only], Certificates: [{CertificateArn: !Ref Certificate}], DefaultActions: [{Type: forward, TargetGroupArn: !Ref NetTargets}]}
  Plain:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {LoadBalancerArn: !Ref Balancer, Port: 80, Protocol: HTTP, DefaultActions: [{Type: redirect, RedirectConfig: {Protocol: HTTPS, Port: '443', Path: !Sub '/size${Size}', StatusCode: HTTP_301}}]}
  Secure:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {LoadBalancerArn: !Ref Balancer, Port: 443, Protocol: HTTPS, Certificates: [{CertificateArn: !Ref Certificate}], DefaultActions: [{Type: forward, TargetGroupArn: !Ref Targets}]}
  More: {Type: AWS::ElasticLoadBalancingV2::ListenerCertificate, Properties: {ListenerArn: !Ref Secure, Certificates: [{CertificateArn: !Ref Certificate2}]}}
  Certificate2: {Type: AWS::CertificateManager::Certificate, Properties: {DomainName: two.example.com}}
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Secure
      Priority: !Ref Size
      Conditions: [{Field: path-pattern, PathPatternConfig: {Values: [!Sub '/size/${Size}']}}]
      Actions: [{Type: forward, ForwardConfig: {TargetGroups: [{TargetGroupArn: !Ref Targets, Weight: !Ref Size}]}}]
  Address: {Type: AWS::EC2::EIP, DependsOn: Attachment, Properties: {Domain: vpc, Tags: [{Key: Size, Value: !Ref Size}]}}
  Nat: {Type: AWS::EC2::NatGateway, DependsOn: Attachment, Properties: {SubnetId: !Ref Subnet, AllocationId: !GetAtt Address.AllocationId, Tags: [{Key: Size, Value: !Ref Size}]}}
  Second: {Type: AWS::EC2::VPCCidrBlock, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.2.0.0/16}}
  Other: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.99.0.0/16}}
  Peering: {Type: AWS::EC2::VPCPeeringConnection, DependsOn: Second, Properties: {VpcId: !Ref Vpc, PeerVpcId: !Ref Other, Tags: [{Key: Size, Value: !Ref Size}]}}
  ToOther: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: !GetAtt Other.CidrBlock, VpcPeeringConnectionId: !Ref Peering}}
  Options: {Type: AWS::EC2::DHCPOptions, Properties: {DomainName: corp.example, DomainNameServers: [AmazonProvidedDNS], Tags: [{Key: Size, Value: !Ref Size}]}}
  WithOptions: {Type: AWS::EC2::VPCDHCPOptionsAssociation, Properties: {VpcId: !Ref Vpc, DhcpOptionsId: !Ref Options}}
  Flows: {Type: AWS::EC2::FlowLog, Properties: {ResourceId: !Ref Vpc, ResourceType: VPC, TrafficType: ALL, LogGroupName: flows, DeliverLogsPermissionArn: !GetAtt Role.Arn, Tags: [{Key: Size, Value: !Ref Size}]}}
  PrivateNat: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: !Ref Subnet, ConnectivityType: private}}
  Path: {Type: AWS::EC2::NetworkInsightsPath, DependsOn: Attachment, Properties: {Source: !Ref Gateway, Destination: !GetAtt Nat.EniId, Protocol: tcp, FilterAtSource: {DestinationPortRange: {FromPort: '80', ToPort: 81}}, Tags: [{Key: Size, Value: !Ref Size}]}}
  Analysis: {Type: AWS::EC2::NetworkInsightsAnalysis, Properties: {NetworkInsightsPathId: !Ref Path, Tags: [{Key: Size, Value: !Ref Size}]}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: g
      VpcId: !Ref Vpc
      SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0, Description: !Sub 'size ${Size}'}]
  Egress: {Type: AWS::EC2::SecurityGroupEgress, Properties: {GroupId: !GetAtt Group.GroupId, IpProtocol: -1, FromPort: 1, ToPort: 2, DestinationSecurityGroupId: !Ref Group}}
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      Description: !Sub 'size ${Size}'
      GenerateSecretString: {SecretStringTemplate: '{"user": "me"}', GenerateStringKey: password, PasswordLength: !Ref Size, ExcludePunctuation: true}
  Parameter: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Size, Tags: {a: b}}}
  Copy: {Type: AWS::SSM::Parameter, Properties: {Name: /copy, Type: String, Value: !Sub '{{resolve:secretsmanager:${Secret}:SecretString:user}}-{{resolve:ssm:${Parameter}}}'}}
  Repository: {Type: AWS::ECR::Repository, Properties: {ImageTagMutability: !Ref Mutable, EmptyOnDelete: true, ImageScanningConfiguration: {ScanOnPush: 'false'}}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies: [{PolicyName: inline, PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: 's3:Get*', Resource: '*'}]}}]
      Description: !Sub 'size ${Size}'
  Policy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: extra
      Roles: [!Ref Role]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: ['logs:*'], Resource: '*'}]}
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [!Ref Role]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: 'ecr:*', Resource: !Sub '*', Sid: !Sub 'Size${Size}'}]}
  Team:
    Type: AWS::IAM::Group
    Properties:
      Path: !Sub '/size${Size}/'
      ManagedPolicyArns: [!Ref Managed]
      Policies: [{PolicyName: inline, PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: 's3:Put*', Resource: '*'}]}}]
  User:
    Type: AWS::IAM::User
    Properties: {Path: !Sub '/size${Size}/', Groups: [!Ref Team], ManagedPolicyArns: [!Ref Managed], PermissionsBoundary: !Ref Managed, Tags: [{Key: Size, Value: !Ref Size}]}
  Friend: {Type: AWS::IAM::User}
  Friends: {Type: AWS::IAM::UserToGroupAddition, Properties: {GroupName: !Ref Team, Users: [!Ref Friend]}}
  Key: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref User, Status: !If [Grown, Inactive, Active]}}
  KeySecret: {Type: AWS::SSM::Parameter, Properties: {Name: /key, Type: String, Value: !GetAtt Key.SecretAccessKey}}
  KeyKept: {Type: AWS::SecretsManager::Secret, Properties: {SecretString: !Sub '{"id":"${Key}","secret":"${Key.SecretAccessKey}"}'}}
  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Path: /p/, Roles: [!Ref Role]}}
  Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: a.example, HostedZoneConfig: {Comment: !Sub 'size ${Size}'}, HostedZoneTags: [{Key: Size, Value: !Ref Size}]}}
  PrivateZone: {Type: AWS::Route53::HostedZone, Properties: {Name: b.example, VPCs: [{VPCId: !Ref Vpc, VPCRegion: !Ref AWS::Region}]}}
  Name: {Type: AWS::Route53::RecordSet, Properties: {HostedZoneId: !Ref Zone, Name: !If [Grown, new.a.example, old.a.example], Type: A, TTL: !Ref Size, ResourceRecords: [10.0.0.1]}}
  Names: {Type: AWS::Route53::RecordSetGroup, DependsOn: PrivateZone, Properties: {HostedZoneName: b.example., RecordSets: [{Name: !Sub '${Size}.b.example', Type: TXT, TTL: '5', ResourceRecords: ['"x"']}, {Name: b.example, Type: A, AliasTarget: {DNSName: lb-1.us-east-1.elb.amazonaws.com, HostedZoneId: Z35SXDOTRQ7X7K}}]}}
  High: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmDescription: !Sub 'size ${Size}', Namespace: AWS/ApplicationELB, MetricName: HTTPCode_ELB_5XX_Count, Dimensions: [{Name: LoadBalancer, Value: !GetAtt Balancer.LoadBalancerFullName}], Statistic: Sum, Period: '60', EvaluationPeriods: 2, Threshold: !Ref Size, ComparisonOperator: GreaterThanThreshold, TreatMissingData: notBreaching, ActionsEnabled: 'false', Tags: [{Key: Size, Value: !Ref Size}]}}
  Ratio: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: ratio, EvaluationPeriods: 1, Threshold: 1.5, ComparisonOperator: LessThanThreshold, Metrics: [{Id: m, ReturnData: false, MetricStat: {Period: 60, Stat: p90, Metric: {Namespace: App, MetricName: Time}}}, {Id: e, Expression: !Sub 'm / ${Size}'}]}}
  Either: {Type: AWS::CloudWatch::CompositeAlarm, Properties: {AlarmRule: !Sub 'ALARM(${High}) OR ALARM("${Ratio}")', AlarmDescription: !Sub 'size ${Size}', Tags: [{Key: Size, Value: !Ref Size}]}}
  Board: {Type: AWS::CloudWatch::Dashboard, Properties: {DashboardBody: !Sub '{"widgets": [{"type": "text", "properties": {"markdown": "${Size}"}}]}'}}
  Space: {Type: AWS::ServiceDiscovery::PrivateDnsNamespace, Properties: {Name: all.local, Vpc: !Ref Vpc, Description: !Sub 'size ${Size}', Properties: {DnsProperties: {SOA: {TTL: !Ref Size}}}, Tags: [{Key: Size, Value: !Ref Size}]}}
  OpenSpace: {Type: AWS::ServiceDiscovery::PublicDnsNamespace, Properties: {Name: all.example, Description: !Sub 'size ${Size}'}}
  Apps: {Type: AWS::ServiceDiscovery::HttpNamespace, Properties: {Name: apps, Description: !Sub 'size ${Size}'}}
  Web: {Type: AWS::ServiceDiscovery::Service, Properties: {Name: web, DnsConfig: {NamespaceId: !Ref Space, DnsRecords: [{Type: A, TTL: !Ref Size}]}, HealthCheckCustomConfig: {FailureThreshold: 1}, Tags: [{Key: Size, Value: !Ref Size}]}}
  Queue: {Type: AWS::ServiceDiscovery::Service, Properties: {NamespaceId: !Ref Apps, Description: !Sub 'size ${Size}', ServiceAttributes: !If [Grown, {Size: !Ref Size, Grown: 'true'}, {Size: !Ref Size, Small: 'true'}]}}
  WebOne: {Type: AWS::ServiceDiscovery::Instance, Properties: {ServiceId: !Ref Web, InstanceId: one, InstanceAttributes: {AWS_INSTANCE_IPV4: !Sub '10.0.0.${Size}'}}}
  Linked: {Type: AWS::IAM::ServiceLinkedRole, Properties: {AWSServiceName: elasticloadbalancing.amazonaws.com, Description: !Sub 'size ${Size}'}}
  Certificate: {Type: AWS::CertificateManager::Certificate, Properties: {DomainName: a.example, SubjectAlternativeNames: ['*.a.example'], ValidationMethod: DNS, CertificateTransparencyLoggingPreference: !If [Grown, DISABLED, ENABLED], Tags: [{Key: Size, Value: !Ref Size}]}}
  Issuer: {Type: AWS::IAM::OIDCProvider, Properties: {Url: https://issuer.example, ClientIdList: [sts.amazonaws.com, !Ref Size]}}
Outputs:
  Profile: {Value: !GetAtt Profile.Arn}
  User: {Value: !Ref User}
  UserArn: {Value: !GetAtt User.Arn}
  Team: {Value: !Ref Team}
  Key: {Value: !Ref Key}
  Issuer: {Value: !GetAtt Issuer.Arn}
  Certificate: {Value: !Ref Certificate}
  Linked: {Value: !GetAtt Linked.RoleName}
  Zone: {Value: !Ref Zone}
  PrivateZone: {Value: !GetAtt PrivateZone.Id}
  Space: {Value: !GetAtt Space.Id}
  High: {Value: !GetAtt High.Arn}
  Either: {Value: !Ref Either}
  Board: {Value: !Ref Board}
  SpaceZone: {Value: !GetAtt Space.HostedZoneId}
  Apps: {Value: !GetAtt Apps.Arn}
  Web: {Value: !GetAtt Web.Arn}
  Queue: {Value: !Ref Queue}
  QueueName: {Value: !GetAtt Queue.Name}
  WebOne: {Value: !Ref WebOne}
  NameServer: {Value: !Select [0, !GetAtt Zone.NameServers]}
  Name: {Value: !Ref Name}
  Address: {Value: !Ref Address}
  Nat: {Value: !Ref Nat}
  Found: {Value: !Sub '${Analysis.NetworkPathFound} ${Analysis.Status}'}
  Uri: {Value: !GetAtt Repository.RepositoryUri}
  Secret: {Value: !Ref Secret}
  Repository: {Value: !Ref Repository}
  Role: {Value: !Ref Role}
  Managed: {Value: !Ref Managed}
  RoleArn: {Value: !GetAtt Role.Arn}
  DefaultGroup: {Value: !GetAtt Vpc.DefaultSecurityGroup}
  BalancerName: {Value: !GetAtt Balancer.DNSName}
`

// Each type is made, changed in place, left alone when nothing changes, and deleted.
func TestEveryType(t *testing.T) {
	w := newWorld(t)
	s := w.create("all", everything)
	w.expect(s, "CREATE_COMPLETE")
	secret := call[secretsmanagerapi.GetSecretValueResponse](w, secretsmanagerapi.Model, "GetSecretValue", &secretsmanagerapi.GetSecretValueRequest{SecretId: output(s, "Secret")})
	if !strings.HasPrefix(secret.SecretString, `{"user":"me","password":"`) || len(secret.SecretString) != len(`{"user":"me","password":""}`)+20 {
		t.Errorf("secret %q", secret.SecretString)
	}
	copied := call[ssmapi.GetParameterResult](w, ssmapi.Model, "GetParameter", &ssmapi.GetParameterRequest{Name: "/copy"})
	if copied.Parameter.Value != "me-20" {
		t.Errorf("the dynamic references give %q", copied.Parameter.Value)
	}
	if strings.Contains(w.eventText("all"), "me-20") {
		t.Error("a resolved secret is in the events")
	}
	if found := output(s, "Found"); found != "false succeeded" { // nobody reaches a NAT gateway from outside
		t.Errorf("the analysis: %s", found)
	}
	if uri := output(s, "Uri"); uri != account+".dkr.ecr."+region+".amazonaws.com/"+output(s, "Repository") || !strings.HasPrefix(output(s, "Repository"), "all-repository-") {
		t.Errorf("repository %s at %s", output(s, "Repository"), uri)
	}
	if !strings.HasPrefix(output(s, "DefaultGroup"), "sg-") || !strings.HasPrefix(physical(w, "all", "Egress"), "sgr-") {
		t.Errorf("groups %s, %s", output(s, "DefaultGroup"), physical(w, "all", "Egress"))
	}
	checkIdentities(w, s, "20", iamapi.StatusTypeActive)
	secretKey := call[ssmapi.GetParameterResult](w, ssmapi.Model, "GetParameter", &ssmapi.GetParameterRequest{Name: "/key"}).Parameter.Value
	if len(secretKey) != 40 {
		t.Errorf("the access key's secret is %q", secretKey)
	}
	kept := call[secretsmanagerapi.GetSecretValueResponse](w, secretsmanagerapi.Model, "GetSecretValue", &secretsmanagerapi.GetSecretValueRequest{SecretId: physical(w, "all", "KeyKept")})
	if kept.SecretString != `{"id":"`+output(s, "Key")+`","secret":"`+secretKey+`"}` {
		t.Errorf("the access key is kept as %s", kept.SecretString)
	}
	w.nowhere(secretKey, "KeySecret") // a parameter of type String is no secret
	_, err := w.api.UpdateStack(w.ctx, &cloudformationapi.UpdateStackInput{StackName: "all", TemplateBody: everything, Capabilities: []cloudformationapi.Capability{"CAPABILITY_IAM"}})
	wantError(t, err, "ValidationError", "No updates are to be performed.")

	w.expect(w.update("all", everything, "Size", "24", "Mutable", "IMMUTABLE"), "UPDATE_COMPLETE")
	repository := call[ecrapi.DescribeRepositoriesResponse](w, ecrapi.Model, "DescribeRepositories", &ecrapi.DescribeRepositoriesRequest{RepositoryNames: []string{output(s, "Repository")}})
	if repository.Repositories[0].ImageTagMutability != "IMMUTABLE" {
		t.Errorf("%+v", repository.Repositories[0])
	}
	if p := call[ssmapi.GetParameterResult](w, ssmapi.Model, "GetParameter", &ssmapi.GetParameterRequest{Name: physical(w, "all", "Parameter")}); p.Parameter.Value != "24" {
		t.Errorf("%+v", p.Parameter)
	}
	if r := call[iamapi.GetRoleResponse](w, iamapi.Model, "GetRole", &iamapi.GetRoleRequest{RoleName: output(s, "Role")}); r.Role.Description != "size 24" {
		t.Errorf("%+v", r.Role)
	}
	if v := call[iamapi.GetPolicyResponse](w, iamapi.Model, "GetPolicy", &iamapi.GetPolicyRequest{PolicyArn: output(s, "Managed")}); v.Policy.DefaultVersionId != "v2" || v.Policy.AttachmentCount != 3 {
		t.Errorf("%+v", v.Policy)
	}
	checkIdentities(w, s, "24", iamapi.StatusTypeInactive)
	checkZones(w, s)
	checkMaps(w, s)
	checkAlarms(w, s)
	certificate := call[acmapi.DescribeCertificateResponse](w, acmapi.Model, "DescribeCertificate", &acmapi.DescribeCertificateRequest{CertificateArn: output(s, "Certificate")}).Certificate
	if certificate.Status != "ISSUED" || len(certificate.SubjectAlternativeNames) != 2 || certificate.Options.CertificateTransparencyLoggingPreference != "DISABLED" {
		t.Errorf("%+v", certificate)
	}
	tags := call[acmapi.ListTagsForCertificateResponse](w, acmapi.Model, "ListTagsForCertificate", &acmapi.ListTagsForCertificateRequest{CertificateArn: output(s, "Certificate")}).Tags
	if !slices.Contains(tags, acmapi.Tag{Key: "Size", Value: "24"}) {
		t.Errorf("tags of the certificate: %v", tags)
	}
	checkBalancer(w, s)
	if again := call[ssmapi.GetParameterResult](w, ssmapi.Model, "GetParameter", &ssmapi.GetParameterRequest{Name: "/key"}).Parameter.Value; again != secretKey {
		t.Error("an update of the access key lost its secret")
	}
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "all"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended(s.StackId), "DELETE_COMPLETE")
	w.nothingLeft()
}

// nowhere fails when a text is in the records of stacks, but for one resource's.
func (w *world) nowhere(text, but string) {
	w.t.Helper()
	tx := w.db.Read()
	for r := range state.StackResources.All(tx, "") {
		if record, _ := json.Marshal(r); r.LogicalID != but && strings.Contains(string(record), text) {
			w.t.Errorf("the record of %s has it: %s", r.LogicalID, record)
		}
	}
	for s := range state.Stacks.All(tx, "") {
		if record, _ := json.Marshal(s); strings.Contains(string(record), text) {
			w.t.Errorf("the record of stack %s has it", s.Name)
		}
	}
	for e := range state.StackEvents.All(tx, "") {
		if strings.Contains(e.Properties, text) {
			w.t.Errorf("the events of %s have it", e.LogicalID)
		}
	}
}

// A nested stack can use the secret of its parent's key, and does not keep it.
func TestNestedStacksGetSecretsOfKeys(t *testing.T) {
	w := newWorld(t)
	child := w.put("child.template", "Parameters: {Hidden: {Type: String, NoEcho: true}}\nResources: {Kept: {Type: AWS::SecretsManager::Secret, Properties: {Name: kept, SecretString: !Ref Hidden}}}")
	s := w.create("parent", "Resources:\n  User: {Type: AWS::IAM::User}\n  Key: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref User}}\n  Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: '"+child+"', Parameters: {Hidden: !GetAtt Key.SecretAccessKey}}}\nOutputs: {Shown: {Value: !GetAtt Key.SecretAccessKey}}")
	w.expect(s, "CREATE_COMPLETE")
	secret := call[secretsmanagerapi.GetSecretValueResponse](w, secretsmanagerapi.Model, "GetSecretValue", &secretsmanagerapi.GetSecretValueRequest{SecretId: "kept"}).SecretString
	if len(secret) != 40 || output(s, "Shown") != secret {
		t.Errorf("the child keeps %q, the output shows %q", secret, output(s, "Shown"))
	}
	for stack := range state.Stacks.All(w.db.Read(), "") {
		if record, _ := json.Marshal(stack); stack.Name != "parent" && strings.Contains(string(record), secret) {
			t.Errorf("the record of %s has it", stack.Name)
		}
	}
}

// A template cannot name other keys by the reference that stands for a secret.
func TestSecretsOfOtherKeysStayHidden(t *testing.T) {
	w := newWorld(t)
	call[iamapi.CreateUserResponse](w, iamapi.Model, "CreateUser", &iamapi.CreateUserRequest{UserName: "ann"})
	id := call[iamapi.CreateAccessKeyResponse](w, iamapi.Model, "CreateAccessKey", &iamapi.CreateAccessKeyRequest{UserName: "ann"}).AccessKey.AccessKeyId
	s := w.create("thief", "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: /p, Type: String, Value: '{{resolve:neargate-access-key:"+id+"}}'}}}")
	w.expect(s, "ROLLBACK_COMPLETE")
	reasons := ""
	for _, e := range w.eventList("thief") {
		reasons += e.ResourceStatusReason + "\n"
	}
	if !strings.Contains(reasons, "The access key "+id+" is none of this stack's") {
		t.Error(reasons)
	}
}

// checkIdentities looks at the users, groups and the like that the stack made.
// checkAlarms looks at what there is of CloudWatch after the update to size 24.
func checkAlarms(w *world, s cloudformationapi.Stack) {
	w.t.Helper()
	out := call[cloudwatchapi.DescribeAlarmsOutput](w, cloudwatchapi.Model, "DescribeAlarms", &cloudwatchapi.DescribeAlarmsInput{AlarmTypes: []cloudwatchapi.AlarmType{"MetricAlarm", "CompositeAlarm"}})
	if len(out.MetricAlarms) != 2 || len(out.CompositeAlarms) != 1 {
		w.t.Fatalf("%+v", out)
	}
	for _, a := range out.MetricAlarms {
		switch {
		case a.AlarmName == "ratio":
			if a.Metrics[1].Expression != "m / 24" || *a.Metrics[0].ReturnData || *a.Threshold != 1.5 {
				w.t.Errorf("%+v", a)
			}
		case a.AlarmArn != output(s, "High") || a.AlarmDescription != "size 24" || *a.Threshold != 24 || a.ActionsEnabled || len(a.Dimensions) != 1:
			w.t.Errorf("%+v", a)
		}
	}
	if c := out.CompositeAlarms[0]; c.AlarmName != output(s, "Either") || c.AlarmDescription != "size 24" {
		w.t.Errorf("%+v", c)
	}
	tags := call[cloudwatchapi.ListTagsForResourceOutput](w, cloudwatchapi.Model, "ListTagsForResource", &cloudwatchapi.ListTagsForResourceInput{ResourceARN: output(s, "High")}).Tags
	if !slices.Contains(tags, cloudwatchapi.Tag{Key: "Size", Value: "24"}) {
		w.t.Errorf("tags %v", tags)
	}
	board := call[cloudwatchapi.GetDashboardOutput](w, cloudwatchapi.Model, "GetDashboard", &cloudwatchapi.GetDashboardInput{DashboardName: output(s, "Board")})
	if !strings.Contains(board.DashboardBody, `"24"`) {
		w.t.Errorf("%+v", board)
	}
}

// checkMaps looks at what there is of Cloud Map after the update to size 24.
func checkMaps(w *world, s cloudformationapi.Stack) {
	w.t.Helper()
	space := call[servicediscoveryapi.GetNamespaceResponse](w, servicediscoveryapi.Model, "GetNamespace", &servicediscoveryapi.GetNamespaceRequest{Id: output(s, "Space")}).Namespace
	if dns := space.Properties.DnsProperties; space.Description != "size 24" || dns.SOA.TTL != 24 || dns.HostedZoneId != output(s, "SpaceZone") {
		w.t.Errorf("%+v %+v", space, space.Properties.DnsProperties)
	}
	apps := call[servicediscoveryapi.GetNamespaceResponse](w, servicediscoveryapi.Model, "GetNamespace", &servicediscoveryapi.GetNamespaceRequest{Id: output(s, "Apps")}).Namespace
	web := call[servicediscoveryapi.GetServiceResponse](w, servicediscoveryapi.Model, "GetService", &servicediscoveryapi.GetServiceRequest{Id: output(s, "Web")}).Service
	if apps.Description != "size 24" || web.DnsConfig.DnsRecords[0].TTL != 24 || web.HealthCheckCustomConfig == nil {
		w.t.Errorf("%+v %+v", apps, web)
	}
	tags := call[servicediscoveryapi.ListTagsForResourceResponse](w, servicediscoveryapi.Model, "ListTagsForResource", &servicediscoveryapi.ListTagsForResourceRequest{ResourceARN: output(s, "Web")}).Tags
	if !slices.Contains(tags, servicediscoveryapi.Tag{Key: "Size", Value: "24"}) {
		w.t.Errorf("tags of the service: %v", tags)
	}
	given := call[servicediscoveryapi.GetServiceAttributesResponse](w, servicediscoveryapi.Model, "GetServiceAttributes", &servicediscoveryapi.GetServiceAttributesRequest{ServiceId: output(s, "Queue")}).ServiceAttributes.Attributes
	if !strings.HasPrefix(output(s, "QueueName"), "all-Queue-") || len(given) != 2 || given["Size"] != "24" || given["Grown"] != "true" {
		w.t.Errorf("%s has %v", output(s, "QueueName"), given)
	}
	list := call[route53api.ListResourceRecordSetsResponse](w, route53api.Model, "ListResourceRecordSets", &route53api.ListResourceRecordSetsRequest{HostedZoneId: output(s, "SpaceZone"), StartRecordName: "web.all.local"})
	if one := list.ResourceRecordSets[0]; output(s, "WebOne") != "one" || one.Name != "web.all.local." || *one.TTL != 24 || one.ResourceRecords[0].Value != "10.0.0.24" {
		w.t.Errorf("%s: %+v", output(s, "WebOne"), one)
	}
}

// checkZones looks at the zones and records after the update to size 24.
func checkZones(w *world, s cloudformationapi.Stack) {
	w.t.Helper()
	zone := call[route53api.GetHostedZoneResponse](w, route53api.Model, "GetHostedZone", &route53api.GetHostedZoneRequest{Id: output(s, "Zone")})
	if zone.HostedZone.Config.Comment != "size 24" || output(s, "NameServer") != zone.DelegationSet.NameServers[0] {
		w.t.Errorf("%+v %+v", zone, s.Outputs)
	}
	names := ""
	for _, id := range []string{"Zone", "PrivateZone"} {
		out := call[route53api.ListResourceRecordSetsResponse](w, route53api.Model, "ListResourceRecordSets", &route53api.ListResourceRecordSetsRequest{HostedZoneId: output(s, id)})
		for _, r := range out.ResourceRecordSets {
			names += r.Name + string(r.Type) + " "
		}
	}
	if names != "a.example.NS a.example.SOA new.a.example.A b.example.A b.example.NS b.example.SOA 24.b.example.TXT " {
		w.t.Errorf("records: %s", names)
	}
	tags := call[route53api.ListTagsForResourceResponse](w, route53api.Model, "ListTagsForResource", &route53api.ListTagsForResourceRequest{ResourceType: "hostedzone", ResourceId: output(s, "Zone")}).ResourceTagSet.Tags
	if !slices.Contains(tags, route53api.Tag{Key: "Size", Value: "24"}) {
		w.t.Errorf("tags of the zone: %v", tags)
	}
}

func checkIdentities(w *world, s cloudformationapi.Stack, size string, status iamapi.StatusType) {
	w.t.Helper()
	user, path := output(s, "User"), "/size"+size+"/"
	u := call[iamapi.GetUserResponse](w, iamapi.Model, "GetUser", &iamapi.GetUserRequest{UserName: user}).User
	if u.Path != path || u.PermissionsBoundary == nil || len(u.Tags) == 0 {
		w.t.Errorf("%+v", u)
	}
	team := call[iamapi.GetGroupResponse](w, iamapi.Model, "GetGroup", &iamapi.GetGroupRequest{GroupName: output(s, "Team")})
	if team.Group.Path != path || len(team.Users) != 2 {
		w.t.Errorf("%+v", team)
	}
	keys := call[iamapi.ListAccessKeysResponse](w, iamapi.Model, "ListAccessKeys", &iamapi.ListAccessKeysRequest{UserName: user}).AccessKeyMetadata
	if len(keys) != 1 || keys[0].AccessKeyId != output(s, "Key") || keys[0].Status != status {
		w.t.Errorf("%+v", keys)
	}
	profile := output(s, "Profile")
	p := call[iamapi.GetInstanceProfileResponse](w, iamapi.Model, "GetInstanceProfile", &iamapi.GetInstanceProfileRequest{InstanceProfileName: profile[strings.LastIndexByte(profile, '/')+1:]}).InstanceProfile
	if len(p.Roles) != 1 || p.Roles[0].RoleName != output(s, "Role") || p.Path != "/p/" {
		w.t.Errorf("%+v", p)
	}
	issuer := call[iamapi.GetOpenIDConnectProviderResponse](w, iamapi.Model, "GetOpenIDConnectProvider", &iamapi.GetOpenIDConnectProviderRequest{OpenIDConnectProviderArn: output(s, "Issuer")})
	if !slices.Contains(issuer.ClientIDList, size) || len(issuer.ClientIDList) != 2 {
		w.t.Errorf("%+v", issuer)
	}
	if r := call[iamapi.GetRoleResponse](w, iamapi.Model, "GetRole", &iamapi.GetRoleRequest{RoleName: output(s, "Linked")}).Role; r.Description != "size "+size {
		w.t.Errorf("%+v", r)
	}
}

func (w *world) eventText(name string) string {
	var b strings.Builder
	for _, e := range w.eventList(name) {
		b.WriteString(e.ResourceProperties)
	}
	return b.String()
}

const trusting = `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: cloudformation.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies: [{PolicyName: p, PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: ['logs:*'], Resource: '*'}]}}]
Outputs: {Arn: {Value: !GetAtt Role.Arn}}
`

// The stack's role decides what its operation may do, and who asked does not.
func TestServiceRole(t *testing.T) {
	w := newWorld(t)
	role := output(w.create("role", trusting), "Arn")
	make := func(name, body, arn string) cloudformationapi.Stack {
		if _, err := w.api.CreateStack(w.ctx, &cloudformationapi.CreateStackInput{StackName: name, TemplateBody: body, RoleARN: arn}); err != nil {
			t.Fatal(err)
		}
		return w.ended(name)
	}
	w.expect(make("may", two, role), "CREATE_COMPLETE")
	w.expect(make("mayNot", "Resources: {C: {Type: AWS::ECS::Cluster}}", role), "ROLLBACK_COMPLETE")
	if events := w.events("mayNot"); !strings.Contains(events, "is not authorized to perform: ecs:") || !strings.Contains(events, "HandlerErrorCode: AccessDenied") {
		t.Error(events)
	}
	_, err := w.api.CreateStack(w.ctx, &cloudformationapi.CreateStackInput{StackName: "noRole", TemplateBody: two, RoleARN: "arn:aws:iam::000000000000:role/nobody"})
	wantError(t, err, "ValidationError", "Role arn:aws:iam::000000000000:role/nobody is invalid or cannot be assumed")

	// A role that goes away leaves a stack that says so, and that another role deletes.
	id, roleID := w.stack("may").ID, w.stack("role").ID
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "role"}); err != nil {
		t.Fatal(err)
	}
	w.until("role DELETE_COMPLETE", roleID)
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "may"}); err != nil {
		t.Fatal(err)
	}
	s := w.ended(id)
	w.expect(s, "DELETE_FAILED")
	if s.StackStatusReason != "Role "+role+" is invalid or cannot be assumed" {
		t.Error(s.StackStatusReason)
	}
	again := output(w.create("role2", trusting), "Arn")
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "may", RoleARN: again}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended(id), "DELETE_COMPLETE")
}
