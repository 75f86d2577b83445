package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

const (
	firstUUID  = "018f4e2c-7b1a-7c3e-9d2f-0a1b2c3d4e5f"
	secondUUID = "018f4e2c-7b1a-7c3e-9d2f-0a1b2c3d4e60"
	boxOfA     = "/v1/mailboxes/a"
)

// mail sends a message to an id.
func (c *client) mail(to, body string) wire.Sent {
	c.t.Helper()
	return into[wire.Sent](c.do("POST", "/v1/mailboxes/"+to+"/messages", body).is(201))
}

func (c *client) read(path string) wire.MessagesPage {
	c.t.Helper()
	return into[wire.MessagesPage](c.do("GET", path, "").is(200))
}

func offsets(page wire.MessagesPage) string {
	all := make([]string, len(page.Messages))
	for i, m := range page.Messages {
		all[i] = fmt.Sprint(m.Offset)
	}
	return strings.Join(all, " ")
}

func TestLifeOfAMessage(t *testing.T) {
	n, c := newServer(t)
	r := c.do("POST", boxOfA+"/messages", `{"id":"`+strings.ToUpper(firstUUID)+`","from":"billing","body":{"n":[1,null,"é\n"]},"ttl_ms":60000}`).is(201)
	sent := into[wire.Sent](r)
	if sent.ID != firstUUID || sent.Offset != 1 || sent.Duplicate || sent.State != "pending" || sent.Revision == 0 {
		t.Fatalf("sent %+v", sent)
	}
	if got := r.Header.Get("Location"); got != boxOfA+"/messages/"+firstUUID+"?ns=default" {
		t.Errorf("location %s", got)
	}
	again := into[wire.Sent](c.do("POST", boxOfA+"/messages", `{"id":"`+firstUUID+`","body":7}`).is(200))
	if !again.Duplicate || again.Offset != 1 || again.State != "pending" {
		t.Fatalf("again %+v", again)
	}
	if made := c.mail("a", `{"body_b64":"AAH/"}`); made.Offset != 2 || len(made.ID) != 36 {
		t.Fatalf("made %+v", made)
	}

	page := c.read(boxOfA + "/messages")
	if offsets(page) != "1 2" || page.Next != 2 || page.Gap != nil {
		t.Fatalf("page %+v", page)
	}
	first, second := page.Messages[0], page.Messages[1]
	if string(first.Body) != `{"n":[1,null,"é\n"]}` || first.From != "billing" || first.BodyB64 != nil || first.Attempts != 0 ||
		int64(first.EnqueuedAt) != wallStart {
		t.Errorf("first %+v %s", first, first.Body)
	}
	if second.Body != nil || *second.BodyB64 != "AAH/" {
		t.Errorf("second %+v", second)
	}
	if page := c.read(boxOfA + "/messages?after=2"); page.Messages == nil || len(page.Messages) != 0 || page.Next != 2 {
		t.Errorf("beyond the end %+v", page)
	}
	if page := c.read(boxOfA + "/messages?limit=1"); offsets(page) != "1" || page.Next != 1 {
		t.Errorf("a page of one %+v", page)
	}
	if g := c.register("a", ""); g.Pending != 2 {
		t.Errorf("grant %+v", g)
	} else if b := into[wire.Renewed](c.beat("a", g.Epoch, 1)); b.Pending != 2 {
		t.Errorf("renewed %+v", b)
	}
	n.advance(time.Second)
	box := into[wire.Mailbox](c.do("GET", boxOfA, "").is(200))
	if box.NS != "default" || box.ID != "a" || box.Pending != 2 || box.Dead != 0 || box.LastOffset != 2 || box.Bytes == 0 {
		t.Errorf("box %+v", box)
	}
	acked := into[wire.Acked](c.do("POST", boxOfA+"/ack", `{"up_to":1}`).is(200))
	if acked.Acked != 1 || acked.Pending != 1 {
		t.Errorf("acked %+v", acked)
	}
	if acked := into[wire.Acked](c.do("POST", boxOfA+"/ack", `{"ids":["`+firstUUID+`"]}`).is(200)); acked.Acked != 0 || acked.Pending != 1 {
		t.Errorf("acked again %+v", acked)
	}
	status := into[wire.MessageStatus](c.do("GET", boxOfA+"/messages/"+strings.ToUpper(firstUUID), "").is(200))
	if status != (wire.MessageStatus{ID: firstUUID, Offset: 1, State: "acked"}) {
		t.Errorf("status %+v", status)
	}
	if again := into[wire.Sent](c.do("POST", boxOfA+"/messages", `{"id":"`+firstUUID+`","body":7}`).is(200)); again.State != "acked" || again.Offset != 1 {
		t.Errorf("its tombstone says %+v", again)
	}
}

func TestNacksAndDeadLetters(t *testing.T) {
	n, c := newServer(t)
	c.mail("a", `{"id":"`+firstUUID+`","body":"x"}`)
	c.mail("a", `{"id":"`+secondUUID+`","body":"y"}`)
	for attempt := 1; attempt <= 5; attempt++ {
		body := fmt.Sprintf(`{"ids":["%s"],"attempt":%d,"reason":"try %d"}`, firstUUID, attempt, attempt)
		nacked := into[wire.Nacked](c.do("POST", boxOfA+"/nack", body).is(200))
		if nacked.Nacked != 1 || (nacked.Dead == 1) != (attempt == 5) {
			t.Fatalf("nacked %+v", nacked)
		}
		if again := into[wire.Nacked](c.do("POST", boxOfA+"/nack", body).is(200)); again.Nacked != 0 {
			t.Fatalf("nacked again %+v", again)
		}
		if page := c.read(boxOfA + "/messages?after=1"); offsets(page) != "2" {
			t.Fatalf("not due yet, but %+v", page)
		}
		n.pass(4 * time.Second)
		if page := c.read(boxOfA + "/messages?after=2"); attempt < 5 && (offsets(page) != "1" || page.Next != 2 ||
			page.Messages[0].Attempts != uint32(attempt) || page.Messages[0].Reason != fmt.Sprint("try ", attempt)) {
			t.Fatalf("due again after nack %d: %+v", attempt, page)
		}
	}
	r := c.do("GET", boxOfA+"/dead", "").is(200)
	dead := into[wire.DeadPage](r)
	if len(dead.Messages) != 1 || dead.Messages[0].ID != firstUUID || dead.Messages[0].Attempts != 5 ||
		string(dead.Messages[0].Body) != `"x"` || dead.Messages[0].Reason != "try 5" || dead.NextCursor != "" {
		t.Fatalf("dead %+v", dead)
	}
	c.do("GET", boxOfA+"/dead", "", header("If-None-Match", r.Header.Get("Etag"))).is(304)
	r = c.do("POST", boxOfA+"/dead/"+firstUUID+"/requeue", "").is(201)
	if sent := into[wire.Sent](r); sent.Offset != 3 || sent.State != "pending" || sent.ID != firstUUID || sent.Duplicate {
		t.Fatalf("requeued %+v", sent)
	}
	if page := c.read(boxOfA + "/messages"); offsets(page) != "2 3" || page.Messages[1].Attempts != 0 {
		t.Fatalf("after the requeue %+v", page)
	}
	c.do("POST", boxOfA+"/dead/"+firstUUID+"/requeue", "").refuses(wire.CodeMessageNotFound)
	c.do("POST", boxOfA+"/dead/"+secondUUID+"/requeue", "").refuses(wire.CodeMessageNotFound)
}

func TestDeadPages(t *testing.T) {
	_, c := newServer(t)
	for i := range 5 {
		id := fmt.Sprintf("018f4e2c-7b1a-7c3e-9d2f-00000000000%d", i)
		c.mail("a", `{"id":"`+id+`","body":1}`)
		for range 5 {
			c.do("POST", boxOfA+"/nack", `{"ids":["`+id+`"]}`).is(200)
		}
	}
	var got []uint64
	cursor := ""
	for range 10 {
		page := into[wire.DeadPage](c.do("GET", boxOfA+"/dead?limit=2&cursor="+cursor, "").is(200))
		for _, m := range page.Messages {
			got = append(got, m.Offset)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if fmt.Sprint(got) != "[1 2 3 4 5]" {
		t.Fatalf("dead letters %v", got)
	}
	first := into[wire.DeadPage](c.do("GET", boxOfA+"/dead?limit=2", "").is(200)).NextCursor
	c.do("GET", "/v1/mailboxes/b/dead?limit=2&cursor="+first, "").invalid("cursor")
}

// TestExpiryLeavesAGap: what is dropped is never just gone.
func TestExpiryLeavesAGap(t *testing.T) {
	n, c := newServer(t)
	c.mail("a", `{"body":1,"ttl_ms":1000}`)
	c.mail("a", `{"body":2,"ttl_ms":1}`)
	c.mail("a", `{"body":3}`)
	n.pass(2 * time.Second)
	page := c.read(boxOfA + "/messages")
	if offsets(page) != "3" || page.Gap == nil || *page.Gap != (wire.Gap{From: 1, To: 2, Cause: "expired"}) {
		t.Fatalf("page %+v", page)
	}
}

func TestLongPollOfAMailbox(t *testing.T) {
	n, c := newServer(t)
	start := time.Now()
	if page := c.read(boxOfA + "/messages?after=5&wait_ms=30"); len(page.Messages) != 0 || page.Next != 5 {
		t.Fatalf("page %+v", page)
	}
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("it waited %v", took)
	}
	pages := make(chan wire.MessagesPage)
	poll := func(query string) {
		go func() { pages <- c.read(boxOfA + "/messages?wait_ms=300000" + query) }()
	}
	poll("")
	c.mail("b", `{"body":0}`)
	c.mail("a", `{"id":"`+firstUUID+`","body":1}`)
	if page := <-pages; offsets(page) != "1" {
		t.Fatalf("page %+v", page)
	}
	poll("&after=1")
	c.do("POST", boxOfA+"/nack", `{"ids":["`+firstUUID+`"]}`).is(200)
	n.pass(time.Second)
	if page := <-pages; offsets(page) != "1" || page.Next != 1 || page.Messages[0].Attempts != 1 {
		t.Fatalf("due again %+v", page)
	}
}

func TestMailInCBOR(t *testing.T) {
	_, c := newServer(t)
	inCBOR := []option{header("Content-Type", wire.TypeCBOR), header("Accept", wire.TypeCBOR)}
	body := map[string]any{"id": firstUUID, "body": map[string]any{"n": -7, "f": 1.5, "big": uint64(1) << 60, "l": []any{nil, true, false, "é"}}}
	c.send("POST", boxOfA+"/messages", encodeCBOR(t, body), inCBOR...).is(201)
	c.mail("a", `{"body_b64":"AAH/"}`)
	c.mail("a", `{"body":[-1,300,70000,123456789012,1e3,123456789012345678901234567890,-0.5,"a\\\"\u0001"]}`)
	var page struct {
		Messages []struct {
			Body    any     `cbor:"body"`
			BodyB64 *string `cbor:"body_b64"`
		} `cbor:"messages"`
	}
	if err := cbor.Unmarshal(c.do("GET", boxOfA+"/messages", "", header("Accept", wire.TypeCBOR)).is(200).body, &page); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(page.Messages[0].Body); got != "map[big:1152921504606846976 f:1.5 l:[<nil> true false é] n:-7]" {
		t.Errorf("body %s", got)
	}
	if *page.Messages[1].BodyB64 != "AAH/" {
		t.Errorf("bytes %+v", page.Messages[1])
	}
	if got := fmt.Sprint(page.Messages[2].Body); got != "[-1 300 70000 123456789012 1000 1.2345678901234568e+29 -0.5 a\\\"\x01]" {
		t.Errorf("body %s", got)
	}
	if text := string(c.read(boxOfA + "/messages").Messages[0].Body); !json.Valid([]byte(text)) {
		t.Errorf("body %s", text)
	}
	for range 5 {
		c.do("POST", boxOfA+"/nack", `{"ids":["`+firstUUID+`"]}`).is(200)
	}
	page.Messages = nil
	if err := cbor.Unmarshal(c.do("GET", boxOfA+"/dead", "", header("Accept", wire.TypeCBOR)).is(200).body, &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Messages) != 1 || page.Messages[0].Body == nil {
		t.Errorf("dead %+v", page)
	}
	for _, bad := range []any{[]byte{1}, map[int]int{1: 1}, map[string]any{"x": []any{[]byte{1}}}} {
		c.send("POST", boxOfA+"/messages", encodeCBOR(t, map[string]any{"body": bad}), inCBOR...).invalid("body")
	}
}

func encodeCBOR(t testing.TB, v any) []byte {
	t.Helper()
	data, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestOddBodies: any JSON comes back as it went in, but for spaces.
func TestOddBodies(t *testing.T) {
	_, c := newServer(t)
	for i, test := range []struct{ in, out string }{
		{`null`, `null`},
		{`false`, `false`},
		{` "" `, `""`},
		{`1.50`, `1.50`},
		{`123456789012345678901234567890`, `123456789012345678901234567890`},
		{`1E2`, `1E2`},
		{`{ "b" : 1 , "a" : [ ] }`, `{"b":1,"a":[]}`},
		{`"\u003c\/\u2028\ud83d\ude00"`, "\"</\u2028😀\""},
		{strings.Repeat("[", 60) + strings.Repeat("]", 60), strings.Repeat("[", 60) + strings.Repeat("]", 60)},
	} {
		c.mail("a", `{"body":`+test.in+`}`)
		page := c.read(fmt.Sprintf(boxOfA+"/messages?after=%d", i))
		if got := string(page.Messages[0].Body); got != test.out {
			t.Errorf("%s came back as %s", test.in, got)
		}
	}
}

func TestBadMail(t *testing.T) {
	_, c := newServer(t)
	post := func(path, body, field string) {
		t.Helper()
		c.do("POST", boxOfA+path, body).invalid(field)
	}
	for _, test := range []struct{ field, body string }{
		{"body", `{}`},
		{"body", `[]`},
		{"body_b64", `{"body":1,"body_b64":""}`},
		{"body_b64", `{"body_b64":"AAH"}`},
		{"body_b64", `{"body_b64":"_-8="}`},
		{"body_b64", `{"body_b64":7}`},
		{"body", `{"body":1e999}`},
		{"body", `{"body":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`},
		{"id", `{"body":1,"id":"x"}`},
		{"id", `{"body":1,"id":""}`},
		{"id", `{"body":1,"id":"018f4e2c7b1a7c3e9d2f0a1b2c3d4e5f"}`},
		{"id", `{"body":1,"id":7}`},
		{"from", `{"body":1,"from":"` + strings.Repeat("f", 129) + `"}`},
		{"from", `{"body":1,"from":"a\nb"}`},
		{"ttl_ms", `{"body":1,"ttl_ms":0}`},
		{"ttl_ms", `{"body":1,"ttl_ms":2592000001}`},
		{"to", `{"body":1,"to":"a"}`},
	} {
		post("/messages", test.body, test.field)
	}
	for _, test := range []struct{ field, body string }{
		{"up_to", `{}`},
		{"ids", `{"up_to":1,"ids":["` + firstUUID + `"]}`},
		{"ids", `{"ids":[]}`},
		{"ids", `{"ids":["x"]}`},
		{"ids", `{"ids":[1]}`},
		{"ids", `{"ids":[` + strings.TrimSuffix(strings.Repeat(`"`+firstUUID+`",`, 1001), ",") + `]}`},
		{"up_to", `{"up_to":-1}`},
		{"up_to", `{"up_to":1}`},
		{"epoch", `{"up_to":1,"epoch":0}`},
		{"reason", `{"up_to":1,"reason":"x"}`},
	} {
		post("/ack", test.body, test.field)
	}
	for _, test := range []struct{ field, body string }{
		{"ids", `{}`},
		{"attempt", `{"ids":["` + firstUUID + `"],"attempt":0}`},
		{"reason", `{"ids":["` + firstUUID + `"],"reason":"` + strings.Repeat("r", 257) + `"}`},
		{"up_to", `{"ids":["` + firstUUID + `"],"up_to":1}`},
	} {
		post("/nack", test.body, test.field)
	}
	for _, query := range []string{"after=-1", "after=x", "limit=0", "limit=1001", "wait_ms=300001", "wait_ms=x", "wait=1"} {
		field, _, _ := strings.Cut(query, "=")
		c.do("GET", boxOfA+"/messages?"+query, "").invalid(field)
	}
	c.do("GET", boxOfA+"/dead?after=1", "").invalid("after")
	c.do("GET", boxOfA+"/messages/x", "").invalid("msg")
	c.do("GET", boxOfA+"/messages/a%2Fb", "").invalid("msg")
	c.do("GET", "/v1/mailboxes/a%2Fb/messages/"+firstUUID, "").invalid("id")
	c.do("GET", "/v1/mailboxes/a%2Fmessages%2F"+firstUUID, "").invalid("id")
	c.do("GET", boxOfA+"/messages/"+firstUUID+"/x", "").refuses(wire.CodeNotFound)
	c.do("GET", boxOfA+"/messages/"+firstUUID, "").refuses(wire.CodeMessageNotFound)
	c.do("POST", boxOfA+"/messages", "").invalid("body")
	if box := into[wire.Mailbox](c.do("GET", boxOfA, "").is(200)); box.LastOffset != 0 || box.Pending != 0 {
		t.Errorf("something came of it: %+v", box)
	}
}

func TestRefusedMail(t *testing.T) {
	n, c := newServer(t)
	n.apply(&registry.Serve{Term: 1, ClusterID: "c1", Retention: registry.Retention{Mail: registry.MailLimits{Messages: 1}}})
	large := strings.Repeat("x", wire.MaxMessage)
	if p := c.do("POST", boxOfA+"/messages", `{"body":"`+large+`"}`).refuses(wire.CodeTooLarge); p.LimitBytes != wire.MaxMessage {
		t.Errorf("problem %+v", p)
	}
	c.do("POST", boxOfA+"/messages", `{"body":"`+large[2:]+`"}`).is(201)
	c.do("POST", boxOfA+"/messages", `{"body":1}`).refuses(wire.CodeMailboxFull)
	c.do("POST", boxOfA+"/ack", `{"ids":["`+firstUUID+`"]}`).refuses(wire.CodeMessageNotFound)
	c.do("POST", boxOfA+"/nack", `{"ids":["`+firstUUID+`"]}`).refuses(wire.CodeMessageNotFound)

	old := c.register("a", "")
	now := c.register("a", "")
	ack := func(epoch uint64) *reply {
		return c.do("POST", boxOfA+"/ack", fmt.Sprintf(`{"epoch":%d,"up_to":1}`, epoch))
	}
	if p := ack(old.Epoch).refuses(wire.CodeSuperseded); p.CurrentEpoch != now.Epoch {
		t.Errorf("problem %+v", p)
	}
	c.do("DELETE", fmt.Sprintf("/v1/leases/a?epoch=%d", now.Epoch), "").is(200)
	ack(now.Epoch).refuses(wire.CodeLeaseEnded)
	ack(77).refuses(wire.CodeLeaseNotFound)
	if box := into[wire.Mailbox](c.do("GET", boxOfA, "").is(200)); box.Pending != 1 {
		t.Errorf("an epoch that does not live acknowledged: %+v", box)
	}
	c.do("POST", boxOfA+"/ack", `{"up_to":1}`, header("Content-Encoding", "gzip")).refuses(wire.CodeUnsupportedMediaType)
}

// TestPageOfLargeMessages: a page ends before it is too large, and the next
// one goes on where it ended.
func TestPageOfLargeMessages(t *testing.T) {
	_, c := newServer(t)
	body := `{"body":"` + strings.Repeat("x", 60<<10) + `"}`
	for range 100 {
		c.mail("a", body)
	}
	var got []string
	after := uint64(0)
	for range 5 {
		r := c.do("GET", fmt.Sprintf(boxOfA+"/messages?limit=1000&after=%d", after), "").is(200)
		if len(r.body) > 5<<20 {
			t.Errorf("a page of %d bytes", len(r.body))
		}
		page := into[wire.MessagesPage](r)
		got = append(got, strings.Fields(offsets(page))...)
		after = page.Next
	}
	if len(got) != 100 || got[99] != "100" || after != 100 {
		t.Errorf("%d messages, next %d", len(got), after)
	}
}

// TestBodyThatIsGone: a message that ends while it is read is left out; one
// that has no body but should is an error.
func TestBodyThatIsGone(t *testing.T) {
	n, c := newServer(t)
	c.mail("a", `{"id":"`+firstUUID+`","body":1}`)
	c.mail("a", `{"body":2}`)
	n.missing = 1
	c.do("GET", boxOfA+"/messages", "").refuses(wire.CodeInternal)
	n.onMissing = func() {
		n.apply(&registry.Ack{NS: "default", ID: "a", UpTo: 1})
	}
	n.missing = 1
	if page := c.read(boxOfA + "/messages"); offsets(page) != "2" || page.Next != 2 {
		t.Errorf("page %+v", page)
	}
}

func TestMailOfANodeThatFails(t *testing.T) {
	n, c := newServer(t)
	n.fail = http.ErrServerClosed
	c.do("POST", boxOfA+"/messages", `{"body":1}`).refuses(wire.CodeInternal)
	c.do("POST", boxOfA+"/ack", `{"up_to":0}`).refuses(wire.CodeInternal)
	c.do("POST", boxOfA+"/nack", `{"ids":["`+firstUUID+`"]}`).refuses(wire.CodeInternal)
	c.do("POST", boxOfA+"/dead/"+firstUUID+"/requeue", "").refuses(wire.CodeInternal)
}
