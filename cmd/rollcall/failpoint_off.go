//go:build !failpoint

package main

// failpoints is what a build says of itself that can be made to fail on purpose;
// empty for any other.
const failpoints = ""
