package main

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"
)

// confirmation asks before what cannot be taken back.
type confirmation struct{ yes bool }

func (c *confirmation) flag(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&c.yes, "yes", "y", false, "do not ask")
}

// ask says on standard error what is to happen, and waits for a yes.
func (c *confirmation) ask(cmd *cobra.Command, format string, args ...any) error {
	w := cmd.ErrOrStderr()
	fmt.Fprintf(w, format+"\n", args...)
	if c.yes {
		return nil
	}
	fmt.Fprint(w, "Type yes to go on: ")
	answer := bufio.NewScanner(cmd.InOrStdin())
	if answer.Scan() && answer.Text() == "yes" {
		return nil
	}
	fmt.Fprintln(w)
	return fmt.Errorf("not confirmed: nothing was done (--yes does not ask)")
}
