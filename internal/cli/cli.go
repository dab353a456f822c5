// Package cli is how Neargate's commands talk to a person: errors in four lines
// (what, why, fix, code), tables or JSON, colour only where it is seen, and exit
// codes that scripts can rely on.
package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// Exit codes.
const (
	ExitFailure     = 1
	ExitUsage       = 2
	ExitUnreachable = 3 // no running instance
	ExitNotFound    = 4
	ExitPermission  = 5 // of the host or of IAM
	ExitProblems    = 6 // doctor, check or why found something
	ExitConflict    = 7
	ExitTimeout     = 124
	ExitInterrupted = 130
)

// Error is a failure as a person should see it.
type Error struct {
	What string // what failed, with the name
	Why  string // a fact
	Fix  string // a command or text to paste
	Code string // slug, for example host.port-busy
	Exit int    // exit code; 0 stands for ExitFailure
}

func (e *Error) Error() string { return e.What }

// ExitCode returns the exit code for an error that a command returned.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	var status ExitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	var e *Error
	if errors.As(err, &e) && e.Exit != 0 {
		return e.Exit
	}
	return ExitFailure
}

// ExitStatus is an error that prints nothing: the command has said all there is.
type ExitStatus int

func (s ExitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// PrintError writes err in the four-line form.
func PrintError(w io.Writer, err error) {
	var status ExitStatus
	if errors.As(err, &status) {
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{What: err.Error()}
	}
	s := StyleFor(w)
	fmt.Fprintf(w, "%s %s\n", s.Red("error:"), e.What)
	for _, line := range []struct{ label, text string }{{"why ", e.Why}, {"fix ", e.Fix}, {"code", e.Code}} {
		if line.text != "" {
			fmt.Fprintf(w, "  %s  %s\n", s.Dim(line.label), strings.ReplaceAll(line.text, "\n", "\n        "))
		}
	}
}

// Style colours text, or does not.
type Style struct{ on bool }

// StyleFor returns the style for a writer: colours for a terminal, unless
// NO_COLOR or TERM=dumb say otherwise.
func StyleFor(w io.Writer) Style {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return Style{on: ok && os.Getenv("CLICOLOR_FORCE") != ""}
	}
	return Style{on: IsTerminal(f) || os.Getenv("CLICOLOR_FORCE") != ""}
}

func (s Style) wrap(code, text string) string {
	if !s.on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Red, Green, Yellow, Bold and Dim colour a text. Meaning never rests on colour alone.
func (s Style) Red(t string) string    { return s.wrap("31", t) }
func (s Style) Green(t string) string  { return s.wrap("32", t) }
func (s Style) Yellow(t string) string { return s.wrap("33", t) }
func (s Style) Bold(t string) string   { return s.wrap("1", t) }
func (s Style) Dim(t string) string    { return s.wrap("2", t) }

// Table writes rows in columns under a header.
func Table(w io.Writer, header []string, rows [][]string) {
	t := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(header, "\t"))
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	t.Flush()
}

// Envelope is the form of JSON output.
type Envelope struct {
	SchemaVersion int    `json:"schemaVersion"`
	Command       string `json:"command"`
	Status        string `json:"status"`
	Data          any    `json:"data"`
}

// JSON writes data of a command in the envelope.
func JSON(w io.Writer, command string, data any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(Envelope{SchemaVersion: 1, Command: command, Status: "ok", Data: data})
}
