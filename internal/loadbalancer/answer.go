package loadbalancer

import (
	"net/http"
	"strconv"
)

// phrases are reason phrases where AWS's pages word them otherwise than the standard.
var phrases = map[int]string{
	405: "Not Allowed",
	408: "Request Time-out",
	413: "Request Entity Too Large",
	414: "Request-URI Too Large",
	503: "Service Temporarily Unavailable",
	504: "Gateway Time-out",
}

func phrase(status int) string {
	if p := phrases[status]; p != "" {
		return p
	}
	return http.StatusText(status)
}

// page is the body of an answer that the load balancer makes itself; those for
// which HTTP has no name (460, 463, 464) have none.
func page(status int) string {
	p := phrase(status)
	if p == "" {
		return ""
	}
	title := strconv.Itoa(status) + " " + p
	return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n"
}
