package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// role prints what comes of the credentials of another task at the given path,
// and of those of this one. With a role it lists the buckets again and again, and
// prints each new answer, until one is a refusal; with ONCE only once.
func role(other []string) {
	for _, path := range other {
		fmt.Println("another's credentials", ask("http://169.254.170.2"+path))
	}
	path := os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
	if path == "" {
		fmt.Println("no role, asking anyway:", ask("http://169.254.170.2/v2/credentials/"))
		return
	}
	c, err := taskRole()
	if err != nil {
		fmt.Println("credentials", err)
		return
	}
	if group := os.Getenv("GROUP"); group != "" {
		c.json("logs create", "logs", "logs", "Logs_20140328.CreateLogGroup", map[string]any{"logGroupName": group})
		return
	}
	fmt.Println("create", c.code(http.MethodPut, "https://made-by-a-task.s3."+c.region+".amazonaws.com/"))
	last := ""
	for range 6000 { // ten minutes: long enough for whoever revokes the session
		answer := c.code(http.MethodGet, "https://s3."+c.region+".amazonaws.com/")
		if answer != last {
			fmt.Println("list", answer)
			last = answer
		}
		if answer != "ok" || os.Getenv("ONCE") != "" {
			return
		}
		if path != "" {
			fmt.Println("path", path)
			path = ""
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// code is what S3 answers to a request: "ok", or its error code and message.
func (c caller) code(method, url string) string {
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		panic(err)
	}
	status, text, err := c.send(req, "s3", nil)
	if err != nil {
		return err.Error()
	}
	if status < 300 {
		return "ok"
	}
	var refusal struct{ Code, Message string }
	if err := xml.Unmarshal(text, &refusal); err != nil {
		return err.Error()
	}
	return refusal.Code + ": " + refusal.Message
}

// ask is the status and the body of a page.
func ask(url string) string {
	res, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 200))
	return fmt.Sprintf("%d %q %v", res.StatusCode, text, err)
}
