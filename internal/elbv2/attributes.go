package elbv2

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// attribute is one that a kind of resource has.
type attribute struct {
	key   string
	value string // the default
	check func(value string) bool
	says  string // what the value must be, for the error
}

func truth(key, value string) attribute {
	return attribute{key, value, func(v string) bool { return v == "true" || v == "false" }, "must be one of 'true', 'false'"}
}

func whole(key, value string, low, high int) attribute {
	return attribute{key, value, func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && n >= low && n <= high
	}, fmt.Sprintf("must be between '%d' and '%d' inclusive", low, high)}
}

func choice(key, value string, values ...string) attribute {
	return attribute{key, value, func(v string) bool { return slices.Contains(values, v) }, "must be one of '" + strings.Join(values, "', '") + "'"}
}

func text(key, value string, most int) attribute {
	return attribute{key, value, func(v string) bool { return len(v) <= most && !strings.ContainsAny(v, "\r\n\x00") }, fmt.Sprintf("must have at most %d characters", most)}
}

// only is an attribute of which we carry out one value.
func only(key, value string) attribute {
	return attribute{key, value, func(v string) bool { return v == value }, "must be '" + value + "': nothing else is carried out by Neargate yet"}
}

// balancerAttributes are those of Application Load Balancers.
var balancerAttributes = []attribute{
	truth("access_logs.s3.enabled", "false"),
	text("access_logs.s3.bucket", "", 63),
	text("access_logs.s3.prefix", "", 256),
	truth("connection_logs.s3.enabled", "false"),
	text("connection_logs.s3.bucket", "", 63),
	text("connection_logs.s3.prefix", "", 256),
	truth("deletion_protection.enabled", "false"),
	whole("client_keep_alive.seconds", "3600", 60, 604800),
	whole("idle_timeout.timeout_seconds", "60", 1, 4000),
	only("ipv6.deny_all_igw_traffic", "false"),
	only("load_balancing.cross_zone.enabled", "true"),
	choice("routing.http.desync_mitigation_mode", "defensive", "monitor", "defensive", "strictest"),
	truth("routing.http.drop_invalid_header_fields.enabled", "false"),
	truth("routing.http.preserve_host_header.enabled", "false"),
	truth("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"),
	truth("routing.http.xff_client_port.enabled", "false"),
	choice("routing.http.xff_header_processing.mode", "append", "append", "preserve", "remove"),
	truth("routing.http2.enabled", "true"),
	only("waf.fail_open.enabled", "false"),
	only("zonal_shift.config.enabled", "false"),
}

// minHealthy begins the names of attributes of groups that say how many targets must be
// healthy, so that the others get no requests.
const minHealthy = "target_group_health.unhealthy_state_routing.minimum_healthy_targets."

// groupAttributes are those of target groups of Application Load Balancers.
var groupAttributes = []attribute{
	whole("deregistration_delay.timeout_seconds", "300", 0, 3600),
	only("load_balancing.algorithm.anomaly_mitigation", "off"),
	choice("load_balancing.algorithm.type", "round_robin", "round_robin", "least_outstanding_requests"),
	choice("load_balancing.cross_zone.enabled", "use_load_balancer_configuration", "true", "false", "use_load_balancer_configuration"),
	{"slow_start.duration_seconds", "0", func(v string) bool { n, err := strconv.Atoi(v); return err == nil && (n == 0 || n >= 30 && n <= 900) }, "must be '0' or between '30' and '900' inclusive"},
	text("stickiness.app_cookie.cookie_name", "", 128),
	whole("stickiness.app_cookie.duration_seconds", "86400", 1, 604800),
	truth("stickiness.enabled", "false"),
	whole("stickiness.lb_cookie.duration_seconds", "86400", 1, 604800),
	choice("stickiness.type", "lb_cookie", "lb_cookie", "app_cookie"),
	only("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
	only("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
	whole(minHealthy+"count", "1", 1, 1000),
	{minHealthy + "percentage", "off", func(v string) bool { n, err := strconv.Atoi(v); return v == "off" || err == nil && n >= 1 && n <= 100 }, "must be 'off' or between '1' and '100' inclusive"},
}

// The names of headers that a listener may rename or add, as attributes call them.
var (
	tlsHeaders = map[string]string{
		"routing.http.request.x_amzn_tls_version.header_name":                   "X-Amzn-Tls-Version",
		"routing.http.request.x_amzn_tls_cipher_suite.header_name":              "X-Amzn-Tls-Cipher-Suite",
		"routing.http.request.x_amzn_mtls_clientcert.header_name":               "X-Amzn-Mtls-Clientcert",
		"routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name": "X-Amzn-Mtls-Clientcert-Serial-Number",
		"routing.http.request.x_amzn_mtls_clientcert_issuer.header_name":        "X-Amzn-Mtls-Clientcert-Issuer",
		"routing.http.request.x_amzn_mtls_clientcert_subject.header_name":       "X-Amzn-Mtls-Clientcert-Subject",
		"routing.http.request.x_amzn_mtls_clientcert_validity.header_name":      "X-Amzn-Mtls-Clientcert-Validity",
		"routing.http.request.x_amzn_mtls_clientcert_leaf.header_name":          "X-Amzn-Mtls-Clientcert-Leaf",
	}
	responseHeaders = map[string]string{
		"routing.http.response.access_control_allow_credentials.header_value": "Access-Control-Allow-Credentials",
		"routing.http.response.access_control_allow_headers.header_value":     "Access-Control-Allow-Headers",
		"routing.http.response.access_control_allow_methods.header_value":     "Access-Control-Allow-Methods",
		"routing.http.response.access_control_allow_origin.header_value":      "Access-Control-Allow-Origin",
		"routing.http.response.access_control_expose_headers.header_value":    "Access-Control-Expose-Headers",
		"routing.http.response.access_control_max_age.header_value":           "Access-Control-Max-Age",
		"routing.http.response.content_security_policy.header_value":          "Content-Security-Policy",
		"routing.http.response.strict_transport_security.header_value":        "Strict-Transport-Security",
		"routing.http.response.x_content_type_options.header_value":           "X-Content-Type-Options",
		"routing.http.response.x_frame_options.header_value":                  "X-Frame-Options",
	}
)

// listenerAttributes are those of a listener of a protocol.
func listenerAttributes(protocol string) []attribute {
	switch protocol {
	case "TCP":
		return []attribute{whole("tcp.idle_timeout.seconds", "350", 60, 6000)}
	case "TLS", "UDP", "TCP_UDP":
		return nil
	}
	all := []attribute{truth("routing.http.response.server.enabled", "true")}
	for key := range responseHeaders {
		all = append(all, text(key, "", 1024))
	}
	if protocol == "HTTPS" {
		for key, name := range tlsHeaders {
			all = append(all, text(key, name, 128))
		}
	}
	slices.SortFunc(all, func(a, b attribute) int { return strings.Compare(a.key, b.key) })
	return all
}

// valueOf is the value of an attribute: the one that was set, or the default.
func valueOf(set map[string]string, a attribute) string {
	if v, ok := set[a.key]; ok {
		return v
	}
	return a.value
}

// setAttributes returns the attributes that are set once more are.
func setAttributes(known []attribute, set, more map[string]string, kind string) (map[string]string, error) {
	out := map[string]string{}
	for k, v := range set {
		out[k] = v
	}
	for key, value := range more {
		i := slices.IndexFunc(known, func(a attribute) bool { return a.key == key })
		if i < 0 {
			return nil, invalid("%s attribute key '%s' is not recognized", kind, key)
		}
		if !known[i].check(value) {
			return nil, invalid("%s attribute value '%s' for key '%s' is not valid: it %s", kind, value, key, known[i].says)
		}
		out[key] = value
	}
	return out, nil
}

// lookup reads attributes of a record by their keys.
type lookup struct {
	known []attribute
	set   map[string]string
}

func (l lookup) text(key string) string {
	i := slices.IndexFunc(l.known, func(a attribute) bool { return a.key == key })
	return valueOf(l.set, l.known[i])
}

func (l lookup) truth(key string) bool { return l.text(key) == "true" }

func (l lookup) number(key string) int {
	n, _ := strconv.Atoi(l.text(key)) // checked when it was set
	return n
}
