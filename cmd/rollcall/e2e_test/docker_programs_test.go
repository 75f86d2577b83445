//go:build e2e_docker && !e2e

package e2e_test

var programs map[string]func(value string) error
