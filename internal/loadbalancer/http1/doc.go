// Package http1 reads HTTP/1.x messages as a proxy in front of strangers must:
// whatever two servers could read differently is refused or written anew, and
// each request is classified by the threat it poses, in the words of AWS's
// desync mitigation. It is pure: bytes in, messages out.
package http1
