// Command probe runs inside the tasks of the end-to-end tests, in an otherwise
// empty image, and prints what it sees from there:
//
//	probe look NAME...     the task's metadata; names: lookup, port 443, TLS
//	probe dial ADDR...     whether somebody answers at an address, and what
//	probe calls            which calls to AWS its task role may make
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	switch os.Args[1] {
	case "look":
		look(os.Args[2:])
	case "dial":
		for _, address := range os.Args[2:] {
			dial(address)
		}
	case "calls":
		calls()
	}
}

func look(names []string) {
	var task struct {
		TaskARN, LaunchType, Family string
		Containers                  []struct {
			Name, Image string
			Networks    []struct{ IPv4Addresses []string }
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
	for _, name := range names {
		addresses, err := net.LookupHost(name)
		fmt.Println("lookup", name, addresses, err)
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(name, "443"), 3*time.Second)
		fmt.Println("dial", name, err == nil)
		if err != nil {
			continue
		}
		conn.Close()
		res, err := client.Get("https://" + name + "/")
		fmt.Println("tls", name, err)
		if err == nil {
			res.Body.Close()
		}
	}
	_, role := os.LookupEnv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
	fmt.Println("credentials", role)
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
