package check

import (
	"net/url"

	"github.com/neargate/neargate/internal/diagnosis"
)

// codes are the slugs of check's own, with what each is about. Those that
// `neargate why` knows, too, are in package diagnosis.
var codes = map[string]string{
	"aws.refused":            "AWS would refuse to make the resource",
	"cfn.attribute":          "Fn::GetAtt asks for an attribute that the type does not have",
	"cfn.duplicate-key":      "A key stands twice; the last one wins",
	"cfn.misplaced-property": "A property stands in an object that does not have it",
	"cfn.property":           "A property that the type does not have",
	"cfn.required":           "A required property is missing",
	"cfn.template":           "CloudFormation would refuse the template",
	"cfn.type":               "A property has the wrong type",
	"cfn.type-name":          "A resource type that does not exist",
	"dep.ingress":            "A service does not wait for a rule that its tasks need",
	"ecs.fargate-size":       "Fargate has no tasks of this size",
	"ecs.lb-container":       "A load balancer is given a container that the task definition does not have",
	"exec.no-task-role":      "ECS Exec is enabled without a task role",
	"exec.off":               "An endpoint for ECS Exec, which no service has enabled",
	"exec.permission":        "The task role may not open sessions of ECS Exec",
	"iam.no-policy":          "A managed policy that does not exist",
	"iam.no-role":            "A role that is not made here",
	"iam.policy":             "A policy document that IAM would refuse",
	"lb.certificate":         "Not an ARN of a certificate",
	"lb.health-port":         "Health checks of a port that no container maps",
	"lb.no-certificate":      "A listener that speaks TLS without a certificate",
	"lb.no-listener":         "No listener sends to a target group, or the service does not wait for it",
	"lb.port":                "The port of a target group is not the one that counts",
	"lb.sg":                  "Security groups keep the load balancer from the tasks",
	"lb.target-type":         "A target group of instances for tasks that have addresses of their own",
	"lb.zones":               "A load balancer without subnets in two zones",
	"neargate.type":          "A resource type that Neargate does not carry out",
	"neargate.unsupported":   "Something that Neargate does not carry out",
	"net.endpoint-service":   "A VPC endpoint for a service that does not exist",
	"net.endpoint-unused":    "A VPC endpoint that no task needs",
	"net.swapped-subnets":    "Public subnets where private ones are due, or the other way round",
	"s3.oai":                 "An origin access identity named by its ARN",
	"s3.public":              "A bucket policy lets everybody in",
	"tf.argument":            "An argument or reference that does not exist in Terraform",
	"tf.dropped-key":         "A key that Terraform's AWS provider drops in silence",
	"tf.syntax":              "Terraform cannot read the file",
	"tf.undeclared":          "A name that is not declared",
	"tpl.region":             "A region is written out",
}

// about says what a code is about.
func about(code string) string {
	if d, ok := diagnosis.Find(code); ok {
		return d.Cause
	}
	return codes[code]
}

// uri is a file's relative path as SARIF wants it.
func uri(file string) string { return (&url.URL{Path: file}).String() }
