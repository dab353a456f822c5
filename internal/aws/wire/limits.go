package wire

// Bounds on what one request may make the decoder build. Bodies are bounded in
// bytes by the caller.
const (
	maxDepth    = 64      // nesting of structures, lists and maps
	maxElements = 100_000 // elements of all lists and maps of one request together
)
