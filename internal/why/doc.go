// Package why explains: it turns decisions (package decision) and records into
// a cause, the evidence for it and a fix to paste.
//
// [Network] judges a connection that did not come about, when it happens, by the
// same values from which the host's routes and filters were made. [Explainer]
// gathers what was decided about a task, a service or a stack and names the
// cause that stopped it. What was seen is told apart from what follows from
// configuration. AWS's own words are quoted, never replaced.
package why
