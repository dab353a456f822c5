package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// GenerateServiceLastAccessedDetails starts a job that tells which services a
// user, group, role or policy may use, and when they last were.
func (s *Service) GenerateServiceLastAccessedDetails(ctx context.Context, in *iamapi.GenerateServiceLastAccessedDetailsRequest) (*iamapi.GenerateServiceLastAccessedDetailsResponse, error) {
	account, job := caller.From(ctx).Account, ids.UUID()
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.accessed(tx, account, in.Arn); err != nil {
			return err
		}
		old := []string{}
		for r := range state.IAMReports.All(tx, state.Prefix(account, "")) {
			if r.ID != credentialReport {
				old = append(old, state.Key(account, "", r.ID))
			}
		}
		if len(old) >= maxJobs { // AWS forgets them after a day
			state.IAMReports.Delete(tx, old[0])
		}
		state.IAMReports.Put(tx, &state.IAMReport{Account: account, ID: job, At: s.now(), ARN: in.Arn, Actions: in.Granularity == iamapi.AccessAdvisorUsageGranularityTypeActionLevel})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.GenerateServiceLastAccessedDetailsResponse{JobId: job}, nil
}

// maxJobs bounds the jobs that are kept of an account.
const maxJobs = 500

// GetServiceLastAccessedDetails answers a job. It is always complete, and tells
// what is known when it is asked.
func (s *Service) GetServiceLastAccessedDetails(ctx context.Context, in *iamapi.GetServiceLastAccessedDetailsRequest) (*iamapi.GetServiceLastAccessedDetailsResponse, error) {
	tx, account := s.db.Read(), caller.From(ctx).Account
	job, ok := state.IAMReports.Get(tx, state.Key(account, "", in.JobId))
	if !ok || job.ID == credentialReport {
		return nil, noSuchEntity("No job found for the specified job id")
	}
	out := &iamapi.GetServiceLastAccessedDetailsResponse{JobStatus: iamapi.JobStatusTypeCompleted, JobType: iamapi.AccessAdvisorUsageGranularityTypeServiceLevel, JobCreationDate: job.At, JobCompletionDate: job.At}
	if job.Actions {
		out.JobType = iamapi.AccessAdvisorUsageGranularityTypeActionLevel
	}
	who, err := s.accessed(tx, account, job.ARN)
	if err != nil {
		return nil, err
	}
	services := []iamapi.ServiceLastAccessed{}
	for _, name := range serviceNames {
		if who.may(name.namespace) {
			services = append(services, s.lastAccess(tx, who, name, job.Actions))
		}
	}
	out.ServicesLastAccessed, out.IsTruncated, out.Marker, err = page(services, func(l iamapi.ServiceLastAccessed) string { return l.ServiceNamespace }, in.Marker, in.MaxItems)
	return out, err
}

// accessed is whose use a job tells about.
type accessed struct {
	documents  []*policy.Document
	principals [][2]string // unique ids and ARNs of users and roles
}

func (a accessed) may(service string) bool {
	return slices.ContainsFunc(a.documents, func(d *policy.Document) bool { return d.AllowsService(service) })
}

func (s *Service) accessed(tx *store.Tx, account, resource string) (accessed, error) {
	var who accessed
	parsed, err := arn.Parse(resource)
	if err != nil {
		return who, validation("Invalid ARN:  Could not be parsed!")
	}
	missing := noSuchEntity("ARN %s does not exist.", resource)
	name := resource[strings.LastIndexByte(resource, '/')+1:]
	switch parsed.Type() {
	case "role", "user":
		id, err := s.simulatedPrincipal(account, resource)
		if err != nil {
			return who, missing
		}
		unique, _, _ := strings.Cut(id.UserID, ":")
		who.principals = append(who.principals, [2]string{unique, resource})
		set, err := s.auth.IdentityPolicies(id)
		for _, src := range set.Identity {
			who.documents = append(who.documents, src.Document)
		}
		return who, err
	case "group":
		g, err := groupNamed(tx, account, name)
		if err != nil || g.ARN() != resource {
			return who, missing
		}
		for u := range state.Users.By(tx, "group", g.Key()) {
			who.principals = append(who.principals, [2]string{u.ID, u.ARN()})
		}
		return who, who.add(tx, account, &g.PrincipalPolicies)
	case "policy":
		f, err := findPolicy(tx, account, resource)
		if err != nil {
			return who, missing
		}
		for r := range state.Roles.By(tx, "policy", resource) {
			if r.Account == account {
				who.principals = append(who.principals, [2]string{r.ID, r.ARN()})
			}
		}
		for u := range state.Users.By(tx, "policy", resource) {
			if u.Account == account {
				who.principals = append(who.principals, [2]string{u.ID, u.ARN()})
			}
		}
		return who, who.parse(f.Document())
	}
	return who, missing
}

func (a *accessed) add(tx *store.Tx, account string, p *state.PrincipalPolicies) error {
	for _, i := range p.Inline {
		if err := a.parse(i.Document); err != nil {
			return err
		}
	}
	for _, attached := range p.Attached {
		if f, err := findPolicy(tx, account, attached); err == nil {
			if err := a.parse(f.Document()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *accessed) parse(text string) error {
	d, err := policy.Parse(text, policy.Inline)
	if err == nil {
		a.documents = append(a.documents, d)
	}
	return err
}

// lastAccess is what is known of the use of one service: attempts count, as on AWS.
func (s *Service) lastAccess(tx *store.Tx, who accessed, name serviceName, actions bool) iamapi.ServiceLastAccessed {
	out := iamapi.ServiceLastAccessed{ServiceName: name.full, ServiceNamespace: name.namespace}
	tracked := map[string]iamapi.TrackedActionLastAccessed{}
	for _, p := range who.principals {
		used := false
		for _, use := range s.auth.Uses(tx, p[0]) {
			namespace, action, _ := strings.Cut(use.Action, ":")
			if namespace != name.namespace {
				continue
			}
			used = true
			at := use.LastAttempt()
			if at.After(out.LastAuthenticated) {
				out.LastAuthenticated, out.LastAuthenticatedEntity, out.LastAuthenticatedRegion = at, p[1], use.Region
			}
			if at.After(tracked[action].LastAccessedTime) {
				tracked[action] = iamapi.TrackedActionLastAccessed{ActionName: action, LastAccessedEntity: p[1], LastAccessedTime: at, LastAccessedRegion: use.Region}
			}
		}
		if used {
			out.TotalAuthenticatedEntities++
		}
	}
	if actions {
		for _, t := range tracked {
			out.TrackedActionsLastAccessed = append(out.TrackedActionsLastAccessed, t)
		}
		slices.SortFunc(out.TrackedActionsLastAccessed, func(a, b iamapi.TrackedActionLastAccessed) int { return strings.Compare(a.ActionName, b.ActionName) })
	}
	return out
}

// serviceName is a service as IAM names it.
type serviceName struct{ namespace, full string }

// serviceNames are the services that a report can tell about: those that people
// who run containers use.
var serviceNames = []serviceName{
	{"acm", "AWS Certificate Manager"}, {"application-autoscaling", "AWS Application Auto Scaling"}, {"autoscaling", "Amazon EC2 Auto Scaling"},
	{"cloudformation", "AWS CloudFormation"}, {"cloudtrail", "AWS CloudTrail"}, {"cloudwatch", "Amazon CloudWatch"}, {"codedeploy", "AWS CodeDeploy"},
	{"ec2", "Amazon EC2"}, {"ecr", "Amazon Elastic Container Registry"}, {"ecs", "Amazon Elastic Container Service"}, {"elasticfilesystem", "Amazon Elastic File System"},
	{"elasticloadbalancing", "AWS Elastic Load Balancing"}, {"events", "Amazon EventBridge"}, {"iam", "AWS Identity and Access Management"}, {"kms", "AWS Key Management Service"},
	{"lambda", "AWS Lambda"}, {"logs", "Amazon CloudWatch Logs"}, {"route53", "Amazon Route 53"}, {"s3", "Amazon S3"}, {"scheduler", "Amazon EventBridge Scheduler"},
	{"secretsmanager", "AWS Secrets Manager"}, {"servicediscovery", "AWS Cloud Map"}, {"sns", "Amazon SNS"}, {"sqs", "Amazon SQS"}, {"ssm", "AWS Systems Manager"}, {"sts", "AWS Security Token Service"},
}
