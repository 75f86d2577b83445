package api

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// rule returns what is wrong with a text, or "".
type rule func(text string) (complaint string)

// alphabet is a set of ASCII characters.
type alphabet [256]bool

func newAlphabet(extra string) *alphabet {
	var a alphabet
	for c := range a {
		b := byte(c)
		a[c] = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte(extra, b) >= 0
	}
	return &a
}

func (a *alphabet) spells(text string) bool {
	for i := range len(text) {
		if !a[text[i]] {
			return false
		}
	}
	return true
}

// has is spells for bytes.
func (a *alphabet) has(text []byte) bool {
	for _, b := range text {
		if !a[b] {
			return false
		}
	}
	return true
}

var (
	nameAlphabet = newAlphabet("._-")
	idAlphabet   = newAlphabet("._~:@-")
)

// isName is the rule of namespaces, services and node ids.
func isName(text string) string {
	if text == "" || len(text) > wire.MaxName || !nameAlphabet.spells(text) {
		return "want [A-Za-z0-9._-]{1,64}"
	}
	return ""
}

// isService is the rule of an optional service.
func isService(text string) string {
	if text == "" {
		return ""
	}
	return isName(text)
}

// isID is the rule of lease ids.
func isID(text string) string {
	if text == "" || len(text) > wire.MaxID || text == "." || text == ".." || !idAlphabet.spells(text) {
		return "want [A-Za-z0-9._~:@-]{1,128}, but not . or .."
	}
	return ""
}

// isPrefix is the rule of what an id may begin with.
func isPrefix(text string) string {
	if len(text) > wire.MaxID || !idAlphabet.spells(text) {
		return "want [A-Za-z0-9._~:@-]{0,128}"
	}
	return ""
}

// isWords is the rule of short texts for people and programs: valid UTF-8 of
// low to high bytes, without control characters.
func isWords(text string, low, high int) string {
	if len(text) < low || len(text) > high || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Sprintf("want %d to %d bytes of UTF-8 without control characters", low, high)
	}
	return ""
}

func isAddress(text string) string { return isWords(text, 0, wire.MaxAddress) }
func isTag(text string) string     { return isWords(text, 1, wire.MaxTag) }
func isMetaKey(text string) string { return isWords(text, 1, wire.MaxMetaKey) }
func isMetaValue(text string) string {
	if len(text) > wire.MaxMetaValue || !utf8.ValidString(text) {
		return fmt.Sprintf("want at most %d bytes of UTF-8", wire.MaxMetaValue)
	}
	return ""
}

// isPrintable is the rule of header values that are kept: visible ASCII and
// spaces.
func isPrintable(text string, high int) bool {
	if text == "" || len(text) > high {
		return false
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

func sprintf(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}
