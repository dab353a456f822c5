package wire

// routes is the REST routing table of a service, built on first use.
type routes struct{}
