package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// clearScreen goes to the upper left corner and clears what is below.
const clearScreen = "\x1b[H\x1b[2J"

func isTerminal(w any) bool {
	width, _ := screenSize(w)
	return width > 0
}

// screenSize is the size of a terminal in characters, 0 where w is none.
func screenSize(w any) (width, height int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, 0
	}
	if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 && height > 0 {
		return width, height
	}
	return 80, 24 // it does not say
}

// drawScreen draws a text in the place of what is on the terminal.
func drawScreen(w io.Writer, text string) error {
	width, height := screenSize(w)
	if _, err := w.Write([]byte(clearScreen + fit(text, width, height))); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// fit cuts the lines of a text to a width, and says how many there are more
// where they are too many for a height: a screen that wraps or scrolls shows
// neither head nor list. The cursor has the last line. Without a size all fits.
func fit(text string, width, height int) string {
	if width < 1 || height < 3 {
		return text
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if over := len(lines) - (height - 1); over > 0 {
		lines = append(lines[:height-2], fmt.Sprintf("… and %d more", over+1))
	}
	for i, line := range lines {
		if utf8.RuneCountInString(line) > width {
			lines[i] = string([]rune(line)[:width-1]) + "…"
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
