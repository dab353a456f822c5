package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"time"
)

const illness = "/ill" // a file: there once somebody has visited /ill

// fall makes the task ill.
func fall(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, os.WriteFile(illness, nil, 0o600))
}

// well ends with 1 when the task is ill.
func well() {
	if _, err := os.Stat(illness); err == nil {
		os.Exit(1)
	}
}

// find prints what a service's name and its SRV record say, makes one of its
// tasks ill, and prints what the name says once that task is not found any more.
func find(name, service string) {
	before := addresses(name, func(found []string) bool { return len(found) == 2 })
	fmt.Println("found", len(before))
	_, targets, err := net.LookupSRV("", "", service)
	for _, t := range targets {
		host, problem := net.LookupHost(t.Target)
		fmt.Println("srv", t.Target, t.Port, host, problem)
	}
	if err != nil || len(before) == 0 {
		fmt.Println("srv", err)
		return
	}
	ill := before[0]
	visit("http://" + name + "/hello")
	visit("http://" + ill + "/ill")
	after := addresses(name, func(found []string) bool { return len(found) > 0 && !slices.Contains(found, ill) })
	fmt.Println("ill is found:", slices.Contains(after, ill), "well are found:", len(after) > 0)
}

// addresses are those of a name once they are as wanted, or after 40 seconds.
func addresses(name string, wanted func([]string) bool) (found []string) {
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if found, _ = net.LookupHost(name); wanted(found) {
			return found
		}
	}
	return found
}
