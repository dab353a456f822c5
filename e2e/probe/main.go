// Command probe runs inside the tasks of the end-to-end tests, in an otherwise
// empty image, and prints what it sees from there:
//
//	probe see NAME|ADDRESS...   the task's metadata; what names are and who answers
//	probe say TEXT              TEXT to all who come to port 8080
//	probe serve TEXT            HTTP on port 80: TEXT, and what it sees of the request
//	probe visit URL             what the URL answers
//	probe find NAME SERVICE     who is found by a name, and that an ill one is not; SERVICE has SRV records
//	probe well                  ends with 1 once somebody has visited /ill
//	probe relay URL             HTTP on port 80: what the URL answers to each request
//	probe calls                 which calls to AWS the task role may make
//	probe put BUCKET            puts an object, and ends with 1 when it may not
//	probe role [PATH]           whose credentials it gets, and what they may until they no longer may
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

func main() {
	switch os.Args[1] {
	case "see":
		metadata()
		for _, what := range os.Args[2:] {
			if _, _, err := net.SplitHostPort(what); err == nil {
				dial(what)
			} else {
				look(what)
			}
		}
	case "say":
		say(os.Args[2])
	case "visit":
		visit(os.Args[2])
	case "find":
		find(os.Args[2], os.Args[3])
	case "well":
		well()
	case "relay":
		relay(os.Args[2])
	case "serve":
		serve(os.Args[2])
	case "calls":
		calls()
	case "put":
		put(os.Args[2])
	case "role":
		role(os.Args[2:])
	}
}

// visit prints what a URL answers.
func visit(url string) {
	res, err := client.Get(url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 200))
	fmt.Println(res.StatusCode, string(body), err)
}

// relay answers each request with what a URL answers to it.
func relay(url string) {
	fmt.Println(http.ListenAndServe(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res, err := client.Get(url + r.URL.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	})))
}

// serve answers requests with what it sees of them. GET /slow takes three seconds;
// GET /waiting says how many of these have come.
func serve(text string) {
	go servePackets(text)
	var waiting atomic.Int32
	err := http.ListenAndServe(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			waiting.Add(1)
			time.Sleep(3 * time.Second)
		case "/ill":
			fall(w, r)
			return
		case "/waiting":
			fmt.Fprint(w, waiting.Load())
			return
		}
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "%s %s %s for %s from %s", text, r.Method, r.URL.Path, r.Header.Get("X-Forwarded-For"), from)
		if client := r.Header.Get("X-Amzn-Mtls-Clientcert-Subject"); client != "" {
			fmt.Fprintf(w, " by %s", client)
		}
		if user := r.Header.Get("X-Amzn-Oidc-Identity"); user != "" {
			fmt.Fprintf(w, " as %s %s", user, r.Header.Get("X-Amzn-Oidc-Data"))
		}
	}))
	fmt.Println(err)
}

// servePackets answers packets with who sent them.
func servePackets(text string) {
	p, err := net.ListenPacket("udp", ":80")
	if err != nil {
		fmt.Println(err)
		return
	}
	b := make([]byte, 1500)
	for {
		n, from, err := p.ReadFrom(b)
		if err != nil {
			return
		}
		host, _, _ := net.SplitHostPort(from.String())
		_, _ = p.WriteTo(fmt.Appendf(nil, "%s got %s from %s", text, b[:n], host), from)
	}
}

// metadata prints what the task metadata endpoint says of the task.
func metadata() {
	var task struct {
		TaskARN, LaunchType, Family string
		Containers                  []struct {
			Name, Image string
			Networks    []struct{ IPv4Addresses, IPv6Addresses []string }
		}
	}
	if err := get(os.Getenv("ECS_CONTAINER_METADATA_URI_V4")+"/task", &task); err != nil {
		fmt.Println("metadata", err)
	}
	fmt.Println("metadata", task.TaskARN, task.LaunchType, task.Family)
	for _, c := range task.Containers {
		fmt.Println("container", c.Name, c.Image, c.Networks)
	}
	own, err := net.InterfaceAddrs()
	fmt.Println("own", own, err)
	_, role := os.LookupEnv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
	fmt.Println("credentials", role)
}

// look resolves a name and opens a verified TLS connection to it.
func look(name string) {
	addresses, err := net.LookupHost(name)
	fmt.Println("lookup", name, addresses, err)
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(name, "443"), 3*time.Second)
	fmt.Println("dial", name, err == nil)
	if err != nil {
		return
	}
	conn.Close()
	res, err := client.Get("https://" + name + "/")
	fmt.Println("tls", name, err)
	if err == nil {
		res.Body.Close()
	}
}

// say answers every connection with a text.
func say(text string) {
	l, err := net.Listen("tcp", ":8080")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		fmt.Fprint(conn, text)
		conn.Close()
	}
}

// dial says what the listener at an address says first.
func dial(address string) {
	conn, err := net.DialTimeout("tcp", address, 3*time.Second)
	if err != nil {
		fmt.Println("dial", address, "no answer:", err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(3 * time.Second))
	said, err := io.ReadAll(io.LimitReader(conn, 200))
	fmt.Printf("dial %s said %q %v\n", address, said, err)
}

var client = &http.Client{Timeout: 10 * time.Second}

func get(url string, into any) error {
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into)
}
