package clientsdk

import (
	"os"
	"strings"
	"testing"
)

// Every Go block of docs/sdk.md stands, but for its indentation, in an example
// that compiles.
func TestDocumentedCodeCompiles(t *testing.T) {
	page := mustRead(t, "../docs/sdk.md")
	examples := flat(mustRead(t, "example_test.go"))
	blocks := strings.Split(page, "```go\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("%d Go blocks", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(examples, flat(code)) {
			t.Errorf("no example has\n%s", code)
		}
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// flat is text without indentation and empty lines.
func flat(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
