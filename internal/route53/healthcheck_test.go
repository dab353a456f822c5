package route53

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/hosted"
	"github.com/neargate/neargate/internal/state"
)

func (w *world) check(c route53api.HealthCheckConfig) (*route53api.HealthCheck, error) {
	out, err := w.CreateHealthCheck(w.ctx, &route53api.CreateHealthCheckRequest{CallerReference: fmt.Sprintf("%p %v", &c, time.Now().UnixNano()), HealthCheckConfig: &c})
	if err != nil {
		return nil, err
	}
	return out.HealthCheck, nil
}

func (w *world) made(c route53api.HealthCheckConfig) *route53api.HealthCheck {
	w.t.Helper()
	h, err := w.check(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func TestHealthChecksThatCannotBe(t *testing.T) {
	w := newWorld(t)
	type config = route53api.HealthCheckConfig
	calculated := w.made(config{Type: "CALCULATED", HealthThreshold: new(int32(0)), ChildHealthChecks: []string{}})
	for want, c := range map[string]config{
		"Neargate does not carry out health checks of CloudWatch alarms": {Type: "CLOUDWATCH_METRIC"},
		"Neargate does not carry out health checks of routing controls":  {Type: "RECOVERY_CONTROL"},
		"Neargate does not carry out HealthCheckConfig.MeasureLatency":   {Type: "HTTP", FullyQualifiedDomainName: "a.test", MeasureLatency: new(true)},
		"either an IP address or a fully qualified domain name":          {Type: "HTTP"},
		"10.0.0.1 is in a local, private":                                {Type: "HTTP", IPAddress: "10.0.0.1"},
		"127.0.0.1 is in a local, private":                               {Type: "HTTP", IPAddress: "127.0.0.1"},
		"169.254.169.254 is in a local, private":                         {Type: "HTTP", IPAddress: "169.254.169.254"},
		"::ffff:127.0.0.1 is in a local, private":                        {Type: "HTTP", IPAddress: "::ffff:127.0.0.1"},
		"a..b is not a domain name":                                      {Type: "HTTP", FullyQualifiedDomainName: "a..b"},
		"Port is required":                                               {Type: "TCP", IPAddress: "198.51.100.1"},
		"ResourcePath is for health checks of HTTP":                      {Type: "TCP", IPAddress: "198.51.100.1", Port: new(int32(1)), ResourcePath: "/"},
		"SearchString is required":                                       {Type: "HTTP_STR_MATCH", IPAddress: "198.51.100.1"},
		"SearchString is for":                                            {Type: "HTTPS", IPAddress: "198.51.100.1", SearchString: "x"},
		"EnableSNI is for":                                               {Type: "HTTP", IPAddress: "198.51.100.1", EnableSNI: new(true)},
		"RequestInterval must be 10 or 30":                               {Type: "HTTP", IPAddress: "198.51.100.1", RequestInterval: new(int32(20))},
		"has no endpoint":                                                {Type: "CALCULATED", IPAddress: "198.51.100.1"},
		"The child health check none does not exist":                     {Type: "CALCULATED", HealthThreshold: new(int32(1)), ChildHealthChecks: []string{"none"}},
		"is of the type CALCULATED itself":                               {Type: "CALCULATED", HealthThreshold: new(int32(1)), ChildHealthChecks: []string{calculated.Id}},
		"for health checks of the type CALCULATED only":                  {Type: "HTTP", IPAddress: "198.51.100.1", HealthThreshold: new(int32(1))},
	} {
		_, err := w.check(c)
		wants(t, want, err, "InvalidInput: ")
		wants(t, want, err, want)
	}
}

func TestHealthChecks(t *testing.T) {
	w := newWorld(t)
	in := &route53api.CreateHealthCheckRequest{CallerReference: "ref", HealthCheckConfig: &route53api.HealthCheckConfig{Type: "HTTPS", FullyQualifiedDomainName: "a.test", ResourcePath: "/x"}}
	first, err := w.CreateHealthCheck(w.ctx, in)
	if err != nil || !strings.HasSuffix(first.Location, "/healthcheck/"+first.HealthCheck.Id) {
		t.Fatalf("%+v %v", first, err)
	}
	id := first.HealthCheck.Id
	if c := first.HealthCheck.HealthCheckConfig; *c.RequestInterval != 30 || *c.FailureThreshold != 3 || !*c.EnableSNI || *c.Inverted || *c.Disabled || c.Port != nil {
		t.Errorf("defaults: %+v", c)
	}
	if again, err := w.CreateHealthCheck(w.ctx, in); err != nil || again.HealthCheck.Id != id {
		t.Errorf("again: %+v %v", again, err)
	}
	in.HealthCheckConfig.ResourcePath = "/y"
	_, err = w.CreateHealthCheck(w.ctx, in)
	wants(t, "the reference with other settings", err, "HealthCheckAlreadyExists")
	out, err := w.UpdateHealthCheck(w.ctx, &route53api.UpdateHealthCheckRequest{HealthCheckId: id, HealthCheckVersion: new(int64(1)), Port: new(int32(8443)), Inverted: new(true), ResetElements: []route53api.ResettableElementName{"ResourcePath"}})
	if err != nil || out.HealthCheck.HealthCheckVersion != 2 || *out.HealthCheck.HealthCheckConfig.Port != 8443 || out.HealthCheck.HealthCheckConfig.ResourcePath != "" || out.HealthCheck.HealthCheckConfig.FullyQualifiedDomainName != "a.test" {
		t.Errorf("%+v %v", out, err)
	}
	_, err = w.UpdateHealthCheck(w.ctx, &route53api.UpdateHealthCheckRequest{HealthCheckId: id, HealthCheckVersion: new(int64(1))})
	wants(t, "an old version", err, "HealthCheckVersionMismatch: The value of HealthCheckVersion in the request doesn't match")
	if _, err = w.ChangeTagsForResource(w.ctx, &route53api.ChangeTagsForResourceRequest{ResourceType: "healthcheck", ResourceId: id, AddTags: []route53api.Tag{{Key: "Name", Value: "it"}}}); err != nil {
		t.Fatal(err)
	}
	if tags, err := w.ListTagsForResources(w.ctx, &route53api.ListTagsForResourcesRequest{ResourceType: "healthcheck", ResourceIds: []string{id}}); err != nil || len(tags.ResourceTagSets[0].Tags) != 1 || tags.ResourceTagSets[0].ResourceType != "healthcheck" {
		t.Errorf("%+v %v", tags, err)
	}
	theirs, err := w.CreateHealthCheck(caller.With(t.Context(), caller.ForService("servicediscovery.amazonaws.com", account, "eu-west-1")), &route53api.CreateHealthCheckRequest{CallerReference: "theirs", HealthCheckConfig: in.HealthCheckConfig})
	if err != nil || theirs.HealthCheck.LinkedService.ServicePrincipal != "servicediscovery.amazonaws.com" {
		t.Fatalf("%+v %v", theirs, err)
	}
	_, err = w.DeleteHealthCheck(w.ctx, &route53api.DeleteHealthCheckRequest{HealthCheckId: theirs.HealthCheck.Id})
	wants(t, "another service's", err, "can only be managed through servicediscovery.amazonaws.com")
	if n, err := w.GetHealthCheckCount(w.ctx, &route53api.GetHealthCheckCountRequest{}); err != nil || n.HealthCheckCount != 2 {
		t.Errorf("%+v %v", n, err)
	}
	if l, err := w.ListHealthChecks(w.ctx, &route53api.ListHealthChecksRequest{MaxItems: "1"}); err != nil || len(l.HealthChecks) != 1 || !l.IsTruncated || l.NextMarker == "" {
		t.Errorf("%+v %v", l, err)
	}
	if _, err := w.DeleteHealthCheck(w.ctx, &route53api.DeleteHealthCheckRequest{HealthCheckId: id}); err != nil {
		t.Error(err)
	}
	_, err = w.GetHealthCheck(w.ctx, &route53api.GetHealthCheckRequest{HealthCheckId: id})
	wants(t, "one that is gone", err, "NoSuchHealthCheck: A health check with id "+id+" does not exist.")
	ranges, err := w.GetCheckerIpRanges(w.ctx, nil)
	if err != nil || len(ranges.CheckerIpRanges) < 10 {
		t.Errorf("%+v %v", ranges, err)
	}
}

// TestHealthOfEndpoints: what the checkers find decides about records: by
// thresholds, inverted, disabled and calculated.
func TestHealthOfEndpoints(t *testing.T) {
	var broken atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			rw.WriteHeader(500)
		}
	}))
	defer s.Close()
	w := newWorld(t)
	o := w.Options
	o.Hurry = true
	for _, region := range []string{"us-east-1", "eu-west-1", "sa-east-1"} {
		o.Checkers = append(o.Checkers, Checker{region, netip.MustParseAddr("54.228.16.1")})
	}
	o.Dial = func(ctx context.Context, _ string, _ netip.AddrPort) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", s.Listener.Addr().String())
	}
	w.Service = New(o)
	told := make(chan bool, 100)
	watcher := hosted.NewWatcher(w.DB, func() { told <- true })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- w.Run(ctx) }()
	z := w.zone("example.com", "")
	endpoint := route53api.HealthCheckConfig{Type: "HTTP", IPAddress: "198.51.100.1", RequestInterval: new(int32(10)), FailureThreshold: new(int32(1)), Regions: []route53api.HealthCheckRegion{"us-east-1", "eu-west-1", "sa-east-1"}}
	plain := w.made(endpoint)
	endpoint.Inverted = new(true)
	inverted := w.made(endpoint)
	endpoint.Disabled = new(true)
	disabled := w.made(endpoint) // inverted, too: always unhealthy
	endpoint.Inverted = nil
	off := w.made(endpoint)
	either := w.made(route53api.HealthCheckConfig{Type: "CALCULATED", HealthThreshold: new(int32(1)), ChildHealthChecks: []string{plain.Id, disabled.Id}})
	both := w.made(route53api.HealthCheckConfig{Type: "CALCULATED", HealthThreshold: new(int32(2)), ChildHealthChecks: []string{plain.Id, inverted.Id}})
	names := map[string]string{"plain": plain.Id, "inverted": inverted.Id, "disabled": disabled.Id, "off": off.Id, "either": either.Id, "both": both.Id}
	for name, id := range names {
		set := route53api.ResourceRecordSet{Name: name + ".example.com", Type: "A", TTL: new(int64(5)), ResourceRecords: []route53api.ResourceRecord{{Value: "198.51.100.1"}}, SetIdentifier: "x", Weight: new(int64(1)), HealthCheckId: id}
		if _, err := w.ChangeResourceRecordSets(w.ctx, &route53api.ChangeResourceRecordSetsRequest{HostedZoneId: z, ChangeBatch: &route53api.ChangeBatch{Changes: []route53api.Change{{Action: "CREATE", ResourceRecordSet: &set}}}}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.ChangeResourceRecordSets(w.ctx, &route53api.ChangeResourceRecordSetsRequest{HostedZoneId: z, ChangeBatch: &route53api.ChangeBatch{Changes: []route53api.Change{{Action: "CREATE", ResourceRecordSet: &route53api.ResourceRecordSet{
		Name: "x.example.com", Type: "A", TTL: new(int64(5)), ResourceRecords: []route53api.ResourceRecord{{Value: "198.51.100.1"}}, HealthCheckId: "none"}}}}})
	wants(t, "a record with a health check that is not there", err, "NoSuchHealthCheck")
	go func() { done <- watcher.Run(ctx) }()
	unhealthy := func() string {
		var out []string
		for _, name := range []string{"both", "disabled", "either", "inverted", "off", "plain"} {
			if hosted.Unhealthy(w.DB.Read())[state.RecordSetKey(z, name+".example.com.", "A", "x")] {
				out = append(out, name)
			}
		}
		return strings.Join(out, " ")
	}
	until := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); unhealthy() != want; {
			if time.Now().After(deadline) {
				t.Fatalf("unhealthy are %q, want %q", unhealthy(), want)
			}
			select {
			case <-told:
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	until("both disabled inverted")
	broken.Store(true)
	until("both disabled either plain")
	status, err := w.GetHealthCheckStatus(w.ctx, &route53api.GetHealthCheckStatusRequest{HealthCheckId: plain.Id})
	if err != nil || len(status.HealthCheckObservations) != 3 || status.HealthCheckObservations[0].IPAddress != "54.228.16.1" {
		t.Fatalf("%+v %v", status, err)
	}
	reasons, err := w.GetHealthCheckLastFailureReason(w.ctx, &route53api.GetHealthCheckLastFailureReasonRequest{HealthCheckId: plain.Id})
	if err != nil || len(reasons.HealthCheckObservations) < 2 || reasons.HealthCheckObservations[0].StatusReport.Status != "Failure: HTTP Status Code 500, Internal Server Error." {
		t.Errorf("%+v %v", reasons, err)
	}
	broken.Store(false)
	until("both disabled inverted")
	stop()
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}
