//go:build failpoint

package main

const failpoints = "built to fail on purpose (ROLLCALL_FAIL): for tests only"
