package main

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/acm"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation"
	"github.com/neargate/neargate/internal/cloudtrail"
	"github.com/neargate/neargate/internal/cloudwatch"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/ecr"
	"github.com/neargate/neargate/internal/ecs"
	"github.com/neargate/neargate/internal/elbv2"
	"github.com/neargate/neargate/internal/iam"
	"github.com/neargate/neargate/internal/kms"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/logstore"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/route53"
	"github.com/neargate/neargate/internal/s3"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/secretsmanager"
	"github.com/neargate/neargate/internal/servicediscovery"
	"github.com/neargate/neargate/internal/ssm"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/sts"
	"github.com/neargate/neargate/internal/testenv"
)

// permissions is a service with its authorization table.
type permissions struct {
	model *wire.Service
	table authorize.Service
}

// allPermissions are those of every service that is mounted, by its API package.
func allPermissions(t *testing.T) map[string]permissions {
	t.Helper()
	db := need(store.OpenMemory(state.Schema()...))(t)
	sealer := seal.Temporary()
	keys := access.NewKeys(db, sealer)
	auth := access.NewAuthorizer(keys, decision.Discard)
	tokens := sts.New(db, keys, auth)
	registries := need(ecr.New(ecr.Config{DB: db, Blobs: need(blob.OpenStore(t.TempDir()))(t), Checker: auth, Key: make([]byte, 32)}))(t)
	buckets := need(s3.New(s3.Config{DB: db, Objects: need(blob.OpenObjects(t.TempDir(), blob.Key{1}))(t), Checker: auth}))(t)
	networks := ec2.New(db, nil, nil, ec2.Divide(network.DefaultSite("test")))
	return map[string]permissions{
		"sts":              {stsapi.Model, tokens.Authorization()},
		"iam":              {iamapi.Model, iam.New(db, sealer, auth).Authorization()},
		"ec2":              {ec2api.Model, networks.Authorization()},
		"ecs":              {ecsapi.Model, ecs.New(ecs.Deps{DB: db, Checker: auth, Roles: tokens.Sessions()}).Authorization()},
		"elbv2":            {elbv2api.Model, elbv2.New(elbv2.Options{DB: db}).Authorization()},
		"ecr":              {ecrapi.Model, registries.Authorization()},
		"logs":             {logsapi.Model, logs.New(db, need(logstore.Open(t.TempDir()))(t), time.Now).Authorization()},
		"s3":               {s3api.Model, buckets.Authorization()},
		"kms":              {kmsapi.Model, kms.New(db, sealer, time.Now).Authorization()},
		"secretsmanager":   {secretsmanagerapi.Model, secretsmanager.New(db, nil, validResourcePolicy, time.Now).Authorization()},
		"ssm":              {ssmapi.Model, ssm.New(db, nil, time.Now).Authorization()},
		"acm":              {acmapi.Model, acm.New(acm.Options{DB: db, Now: time.Now}).Authorization()},
		"servicediscovery": {servicediscoveryapi.Model, servicediscovery.New(servicediscovery.Options{DB: db, Now: time.Now}).Authorization()},
		"route53":          {route53api.Model, route53.New(route53.Options{DB: db, Now: time.Now}).Authorization()},
		"cloudwatch":       {cloudwatchapi.Model, cloudwatch.New(cloudwatch.Options{DB: db}).Authorization()},
		"cloudtrail":       {cloudtrailapi.Model, cloudtrail.New(cloudtrail.Options{DB: db}).Authorization()},
		"cloudformation":   {cloudformationapi.Model, cloudformation.New(cloudformation.Options{DB: db, Checker: auth, Sessions: tokens.Sessions()}).Authorization()},
	}
}

func need[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestEveryMountedServiceIsChecked keeps the list above complete.
func TestEveryMountedServiceIsChecked(t *testing.T) {
	source := need(os.ReadFile(filepath.Join(testenv.Root(), "cmd", "neargate", "up.go")))(t)
	have := allPermissions(t)
	mounted := regexp.MustCompile(`\tmount\((\w+)api\.Model`).FindAllSubmatch(source, -1)
	if len(mounted) < 10 {
		t.Fatalf("only %d services found in up.go", len(mounted))
	}
	for _, m := range mounted {
		if _, ok := have[string(m[1])]; !ok {
			t.Errorf("add %s to allPermissions: it is mounted, but nothing checks that its operations have permissions", m[1])
		}
	}
}

// unguarded are the operations that need no permission by the table: AWS asks
// none, or the handler asks once it knows which.
var unguarded = map[string][]string{
	"sts": {"GetCallerIdentity", "GetSessionToken", "AssumeRoleWithWebIdentity"},
	"s3":  {"DeleteObject", "DeleteObjects", "DeleteObjectTagging", "GetObject", "GetObjectAcl", "GetObjectAttributes", "GetObjectTagging", "HeadObject", "PutObjectTagging"},
}

var actionForm = regexp.MustCompile(`^[a-z0-9-]+:[A-Z][A-Za-z0-9]+$`)

// TestEveryOperationHasItsPermission: an operation without an entry could be
// called by nobody; one without a rule by everybody.
func TestEveryOperationHasItsPermission(t *testing.T) {
	for name, service := range allPermissions(t) {
		for operation := range service.model.Operations {
			rules, ok := service.table.Rules[operation]
			switch {
			case !ok:
				t.Errorf("%s %s has no entry", name, operation)
			case len(rules) == 0 && !slices.Contains(unguarded[name], operation):
				t.Errorf("%s %s needs no permission", name, operation)
			}
			for _, r := range rules {
				if !actionForm.MatchString(r.Action) {
					t.Errorf("%s %s: %q is no action", name, operation, r.Action)
				}
			}
		}
		for operation := range service.table.Rules {
			if service.model.Operations[operation] == nil {
				t.Errorf("%s %s has a permission, but is not served", name, operation)
			}
		}
		for _, operation := range unguarded[name] {
			if len(service.table.Rules[operation]) > 0 {
				t.Errorf("%s %s is guarded by now", name, operation)
			}
		}
	}
}

// TestResourcesAreARNs: what a policy's Resource is compared with is an ARN or
// "*", whatever the request names.
func TestResourcesAreARNs(t *testing.T) {
	id := caller.ForRoot(access.OperatorAccount, "eu-west-1")
	for name, service := range allPermissions(t) {
		for operation, op := range service.model.Operations {
			for _, rule := range service.table.Rules[operation] {
				in := op.NewInput()
				fillInput(reflect.ValueOf(in).Elem(), "", 0)
				if rule.Resources != nil {
					for _, resource := range rule.Resources(id, in) {
						if resource != "*" && !arn.Is(resource) {
							t.Errorf("%s %s: %q is no ARN", name, operation, resource)
						}
						if tags := service.table.ResourceTags; tags != nil && len(tags(id, resource)) > 0 {
							t.Errorf("%s %s: %q, which is not there, has tags", name, operation, resource)
						}
					}
				}
				if rule.Conditions != nil {
					for key, values := range rule.Conditions(id, in) {
						if !strings.Contains(key, ":") || len(values) == 0 {
							t.Errorf("%s %s: condition key %q has the values %q", name, operation, key, values)
						}
					}
				}
			}
		}
	}
}

// untagged are operations with a member that is called Tags and is none.
var untagged = map[string][]string{}

// TestTagsOfRequestsAreConditionKeys: whatever takes tags can be held to them by
// aws:RequestTag and aws:TagKeys.
func TestTagsOfRequestsAreConditionKeys(t *testing.T) {
	id, checked := caller.ForRoot(access.OperatorAccount, "eu-west-1"), 0
	for name, service := range allPermissions(t) {
		for operation, op := range service.model.Operations {
			in := op.NewInput()
			v := reflect.ValueOf(in).Elem()
			fillInput(v, "", 0)
			tags, keys := giveTags(v)
			if !tags && !keys || slices.Contains(untagged[name], operation) || len(service.table.Rules[operation]) == 0 {
				continue
			}
			checked++
			got := map[string][]string{}
			for _, rule := range service.table.Rules[operation] {
				if rule.Conditions != nil {
					for key, values := range rule.Conditions(id, in) {
						got[strings.ToLower(key)] = values
					}
				}
			}
			if !slices.Contains(got["aws:tagkeys"], "Team") {
				t.Errorf("%s %s: aws:TagKeys is %q", name, operation, got["aws:tagkeys"])
			}
			if tags && !slices.Contains(got["aws:requesttag/team"], "red") {
				t.Errorf("%s %s: aws:RequestTag/Team is not known, only %v", name, operation, slices.Sorted(maps.Keys(got)))
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d operations have tags: the test is blind", checked)
	}
}

// TestTaggingOnCreationNeedsItsOwnPermission, but only of requests with tags.
func TestTaggingOnCreationNeedsItsOwnPermission(t *testing.T) {
	id, all := caller.ForRoot(access.OperatorAccount, "eu-west-1"), allPermissions(t)
	for operation, action := range map[string]string{
		"ec2 CreateVpc": "ec2:CreateTags", "ec2 CreateSubnet": "ec2:CreateTags", "ecs RunTask": "ecs:TagResource", "ecs CreateService": "ecs:TagResource", "ecs CreateCluster": "ecs:TagResource",
		"ecs RegisterTaskDefinition": "ecs:TagResource", "ecr CreateRepository": "ecr:TagResource", "logs CreateLogGroup": "logs:TagResource", "secretsmanager CreateSecret": "secretsmanager:TagResource",
		"ssm PutParameter": "ssm:AddTagsToResource", "kms CreateKey": "kms:TagResource", "iam CreateRole": "iam:TagRole", "iam CreateUser": "iam:TagUser", "iam CreatePolicy": "iam:TagPolicy",
		"acm RequestCertificate": "acm:AddTagsToCertificate", "acm ImportCertificate": "acm:AddTagsToCertificate",
		"elbv2 CreateLoadBalancer": "elasticloadbalancing:AddTags", "elbv2 CreateTargetGroup": "elasticloadbalancing:AddTags", "elbv2 CreateRule": "elasticloadbalancing:AddTags",
	} {
		name, op, _ := strings.Cut(operation, " ")
		rules := all[name].table.Rules[op]
		i := slices.IndexFunc(rules, func(r authorize.Rule) bool { return r.Action == action })
		if i < 1 {
			t.Errorf("%s does not ask for %s", operation, action)
			continue
		}
		plain := all[name].model.Operations[op].NewInput()
		tagged := all[name].model.Operations[op].NewInput()
		fillInput(reflect.ValueOf(tagged).Elem(), "", 0)
		giveTags(reflect.ValueOf(tagged).Elem())
		if rules[i].Applies(id, plain) || !rules[i].Applies(id, tagged) {
			t.Errorf("%s asks for %s: without tags %v, with tags %v", operation, action, rules[i].Applies(id, plain), rules[i].Applies(id, tagged))
		}
		if key := name + ":CreateAction"; (name == "ec2" || name == "ecs") && !slices.Equal(rules[i].Conditions(id, tagged)[key], []string{op}) {
			t.Errorf("%s: %s is %v", operation, key, rules[i].Conditions(id, tagged)[key])
		}
	}
}

// fillInput gives every member a value.
func fillInput(v reflect.Value, name string, depth int) {
	if depth > 4 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		text := "x1"
		if strings.HasSuffix(strings.ToLower(name), "arn") || strings.HasSuffix(strings.ToLower(name), "arns") {
			text = "arn:aws:example:eu-west-1:000000000000:thing/x1"
		}
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillInput(v.Elem(), name, depth+1)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			fillInput(v.Field(i), v.Type().Field(i).Name, depth+1)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fillInput(v.Index(0), name, depth+1)
		}
	}
}

// giveTags puts the tag Team=red, or the tag key Team, into an input. It reports
// what the input has.
func giveTags(v reflect.Value) (tags, keys bool) {
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		switch {
		case strings.EqualFold(name, "TagKeys") && f.Type() == reflect.TypeFor[[]string]():
			f.Set(reflect.ValueOf([]string{"Team"}))
			keys = true
		case strings.EqualFold(name, "Tags") && f.Kind() == reflect.Map:
			f.Set(reflect.MakeMap(f.Type()))
			f.SetMapIndex(reflect.ValueOf("Team"), reflect.ValueOf("red").Convert(f.Type().Elem()))
			tags = true
		case strings.EqualFold(name, "Tags") && f.Type() == reflect.TypeFor[[]string]():
			f.Set(reflect.ValueOf([]string{"Team"}))
			keys = true
		case strings.EqualFold(name, "Tags") && f.Kind() == reflect.Slice && f.Len() == 1:
			tags = giveTag(f.Index(0)) || tags
		case name == "TagSpecifications" && f.Kind() == reflect.Slice && f.Len() == 1:
			if list := f.Index(0).FieldByName("Tags"); list.IsValid() && list.Len() == 1 {
				tags = giveTag(list.Index(0)) || tags
			}
		}
	}
	return tags, keys
}

func giveTag(tag reflect.Value) bool {
	key, value := tag.FieldByName("Key"), tag.FieldByName("Value")
	if !key.IsValid() {
		key, value = tag.FieldByName("TagKey"), tag.FieldByName("TagValue")
	}
	if !key.IsValid() {
		return false
	}
	key.SetString("Team")
	if value.Kind() == reflect.Pointer {
		red := "red"
		value.Set(reflect.ValueOf(&red))
	} else {
		value.SetString("red")
	}
	return true
}
