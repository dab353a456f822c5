package diagnosis

import (
	"fmt"
	"io"
)

// WriteMarkdown writes docs/diagnoses.md.
func WriteMarkdown(w io.Writer) {
	fmt.Fprint(w, "# What `neargate why` finds\n\nMade by `neargate diagnoses` from the catalogue that the program itself uses; a test compares them.\n"+
		"`neargate why CODE` shows one of these entries. The test TestRemovalMatrix shows them at work.\n")
	for _, f := range families {
		fmt.Fprintf(w, "\n## %s\n\n%s\n", f.title, f.about)
		for _, e := range f.entries {
			fmt.Fprintf(w, "\n### %s\n\n%s\n\n", e.Code, e.Cause)
			if e.AWS != "" {
				fmt.Fprintf(w, "- **AWS says**: `%s`\n", e.AWS)
			}
			fmt.Fprintf(w, "- **Found by**: %s\n- **Fix**: %s\n", e.Found, e.Fix)
		}
	}
}
