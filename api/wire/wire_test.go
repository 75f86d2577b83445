package wire_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestEveryCodeHasAStatusAndATitle(t *testing.T) {
	want := map[wire.Code]int{
		"invalid_request": 400, "unauthenticated": 401, "forbidden": 403,
		"lease_not_found": 404, "message_not_found": 404, "not_found": 404,
		"superseded": 409, "stale_sequence": 409, "lease_ended": 410, "compacted": 410,
		"method_not_allowed": 405, "unsupported_media_type": 415, "id_taken": 412, "too_large": 413,
		"rate_limited": 429, "mailbox_full": 429, "internal": 500, "no_leader": 503, "too_stale": 503, "overloaded": 503,
	}
	codes := wire.Codes()
	if len(codes) != len(want) {
		t.Errorf("%d codes, the contract has %d", len(codes), len(want))
	}
	for _, code := range codes {
		p := wire.NewProblem(code, "why")
		if p.Status != want[code] || p.Title == "" || p.Type != "/problems/"+string(code) || p.Retryable != (p.Status == 429 || p.Status == 503) {
			t.Errorf("%+v", p)
		}
	}
	if wire.Code("nonsense").Status() != http.StatusInternalServerError {
		t.Error("an unknown code has a status of its own")
	}
}

func TestCurrentSeqZeroIsSaid(t *testing.T) {
	p := wire.NewProblem(wire.CodeStaleSequence, "why")
	p.CurrentSeq = new(uint64)
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil || got["current_seq"] != 0.0 || got["current_epoch"] != nil {
		t.Errorf("%s, %v", body, err)
	}
}

func TestTime(t *testing.T) {
	const at = wire.Time(1_795_000_000_007)
	text, err := at.MarshalText()
	if err != nil || string(text) != "2026-11-18T11:06:40.007Z" {
		t.Errorf("%s %v", text, err)
	}
	for _, same := range []string{string(text), "2026-11-18T12:06:40.007+01:00", "2026-11-18T11:06:40.0070000Z"} {
		var back wire.Time
		if err := back.UnmarshalText([]byte(same)); err != nil || back != at {
			t.Errorf("%s is read as %d, %v", same, back, err)
		}
	}
	if err := new(wire.Time).UnmarshalText([]byte("yesterday")); err == nil {
		t.Error("yesterday is a time")
	}
}
