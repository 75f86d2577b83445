package clientsdk

import (
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// atomicCount counts from many goroutines.
type atomicCount struct{ n atomic.Int64 }

func (c *atomicCount) add()       { c.n.Add(1) }
func (c *atomicCount) get() int64 { return c.n.Load() }

func TestConfigFromEnv(t *testing.T) {
	t.Setenv(EnvAddr, " http://a:7700, b:7700,,https://c/rollcall/ ")
	t.Setenv(EnvToken, "rc_secret\n")
	t.Setenv(EnvCACert, "")
	config := ConfigFromEnv()
	if config.Token != "rc_secret" {
		t.Errorf("token %q", config.Token)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var got []string
	for _, u := range c.ends.list {
		got = append(got, u.String())
	}
	if want := []string{"http://a:7700", "http://b:7700", "https://c/rollcall"}; !slices.Equal(got, want) {
		t.Errorf("endpoints %v, want %v", got, want)
	}
}

func TestDefaultEndpoint(t *testing.T) {
	t.Setenv(EnvAddr, "")
	c, err := New(ConfigFromEnv())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.ends.list[0].String(); got != DefaultEndpoint {
		t.Errorf("endpoint %s", got)
	}
}

func TestBadConfigurations(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]Config{
		"scheme":      {Endpoints: []string{"ftp://a"}},
		"no host":     {Endpoints: []string{"http://:7700"}},
		"query":       {Endpoints: []string{"http://a?x=1"}},
		"password":    {Endpoints: []string{"http://u:p@a"}},
		"not a URL":   {Endpoints: []string{"http://a b"}},
		"no CA file":  {CACert: filepath.Join(t.TempDir(), "missing.pem")},
		"empty CA":    {CACert: empty},
		"empty entry": {Endpoints: []string{""}},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestPauses(t *testing.T) {
	r := Retry{Base: 100 * time.Millisecond, Max: time.Second}
	if r.pause(0) != 0 {
		t.Error("the first try waits")
	}
	for n, full := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
		full *= time.Millisecond
		seen := map[time.Duration]bool{}
		for range 100 {
			got := r.pause(n + 1)
			seen[got] = true
			if got < full/2 || got > full {
				t.Fatalf("pause %d is %v, want %v less up to half", n+1, got, full)
			}
		}
		if len(seen) < 50 {
			t.Errorf("pause %d leaves little to chance: %d values of 100", n+1, len(seen))
		}
	}
}

func TestRotationMovesOncePerFailure(t *testing.T) {
	list, err := Config{Endpoints: endpoints}.endpoints()
	if err != nil {
		t.Fatal(err)
	}
	r := newRotation(list)
	first, turn := r.current()
	r.failed(turn)
	r.failed(turn) // another request that failed at the same time
	if second, _ := r.current(); second == first {
		t.Error("the turn did not pass on")
	}
	_, turn = r.current()
	r.failed(turn)
	_, turn = r.current()
	r.failed(turn)
	if again, _ := r.current(); again != first {
		t.Error("the third failure does not come back to the first")
	}
}

func TestTTLInMilliseconds(t *testing.T) {
	for ttl, want := range map[time.Duration]int64{
		0: 0, 1: 1, time.Second: 1000, 1500 * time.Microsecond: 2, -1: -1, -time.Millisecond: -1,
	} {
		if got := wholeMS(ttl); got != want {
			t.Errorf("%v travels as %d ms, want %d", ttl, got, want)
		}
	}
}
