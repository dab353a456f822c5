// Package diagnosis is the catalogue of everything that `neargate why` can find:
// one entry for each code, with what is wrong, how AWS says it, how Neargate
// notices, and what to do. Who refuses something names the entry by its code;
// docs/diagnoses.md is made from here, and a test sees to it that no code is used
// that has no entry.
package diagnosis

import "strings"

// Entry is one diagnosis.
type Entry struct {
	Code  string // for example net.no-route
	Cause string // what is wrong
	AWS   string // how AWS says it, in short; "" when AWS says nothing
	Found string // how Neargate notices
	Fix   string // what to do
}

// Catalogue returns all entries, in the order of the documentation.
func Catalogue() []Entry {
	var all []Entry
	for _, f := range families {
		all = append(all, f.entries...)
	}
	return all
}

// Find returns the entry of a code.
func Find(code string) (Entry, bool) {
	for _, e := range Catalogue() {
		if e.Code == code {
			return e, true
		}
	}
	return Entry{}, false
}

// Link is where the documentation explains a code; "" for unknown ones.
func Link(code string) string {
	if _, ok := Find(code); !ok {
		return ""
	}
	return "docs/diagnoses.md#" + anchor(code)
}

// anchor is the name of the heading, as Markdown makes it of a code.
func anchor(code string) string { return strings.ReplaceAll(code, ".", "") }

// family is a chapter of the catalogue.
type family struct {
	title, about string
	entries      []Entry
}

var families = []family{
	{"Network", "A connection of the task did not come about. AWS only shows a time-out.", network},
	{"Permissions", "A call was refused. The role, the policy and the statement are named.", identity},
	{"Images", "The registry did not give the image.", images},
	{"Secrets and logs", "What a task needs before its containers are made.", secretsAndLogs},
	{"Containers", "The task was made, and its process did not go well.", containers},
	{"Load balancers", "Tasks run, but their load balancer does not reach them, or nobody reaches it.", balancers},
	{"Deployments and stacks", "What is wrong with many tasks at once.", deployments},
	{"Requests", "An API request was refused before IAM was asked.", requests},
}
