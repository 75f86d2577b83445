package api_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the servers that began it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
