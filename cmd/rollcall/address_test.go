package main

import "testing"

func TestAddressForms(t *testing.T) {
	for text, want := range map[string]struct {
		host string
		port int
	}{
		"":                {"", 0},
		"10.0.0.5":        {"10.0.0.5", 0},
		"10.0.0.5:8080":   {"10.0.0.5", 8080},
		":8080":           {"", 8080},
		"db.example:0":    {"db.example", 0},
		"db.example":      {"db.example", 0},
		"2001:db8::7":     {"2001:db8::7", 0},
		"[2001:db8::7]:1": {"2001:db8::7", 1},
	} {
		if host, port, err := splitAddress(text); err != nil || host != want.host || port != want.port {
			t.Errorf("%q: got %q, %d, %v", text, host, port, err)
		}
	}
	for _, text := range []string{"a:b", "a:70000", "a:-1", "a:1:2", "[::1]"} {
		if host, port, err := splitAddress(text); err == nil {
			t.Errorf("%q: got %q, %d, want an error", text, host, port)
		}
	}
}

func TestOwnAddressIsThatOfTheWay(t *testing.T) {
	if got := ownAddress("http://127.0.0.1:7700"); got != "127.0.0.1" {
		t.Errorf("got %q", got)
	}
	if got := ownAddress("localhost:7700"); got != "127.0.0.1" && got != "::1" {
		t.Errorf("without a scheme: got %q", got)
	}
}

func TestOwnEndpoint(t *testing.T) {
	for bound, want := range map[string]string{
		":7700": "http://127.0.0.1:7700", "0.0.0.0:1": "http://127.0.0.1:1", "[::]:1": "http://127.0.0.1:1",
		"10.0.0.1:80": "http://10.0.0.1:80", "": "", "nonsense": "",
	} {
		if got := ownEndpoint(bound); got != want {
			t.Errorf("%q: got %q, want %q", bound, got, want)
		}
	}
}
