package clientsdk_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
	"github.com/seed-b4c92e43/rollcall/clientsdk/outbox"
)

// The examples are the code of docs/sdk.md, which a test compares with them.

func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	client, err := clientsdk.New(clientsdk.ConfigFromEnv())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	lease, err := client.Register(ctx, clientsdk.Registration{
		ID: "web-1", Service: "web", Address: "10.0.0.5", Port: 8080, TTL: 10 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer lease.Leave(context.Background())

	<-lease.Done() // until ctx ends, or another process takes the id
	log.Print(lease.Err())
}

func ExampleNew() {
	client, err := clientsdk.New(clientsdk.Config{
		Endpoints: []string{"https://n1:7700", "https://n2:7700", "https://n3:7700"},
		Namespace: "acme",
		Token:     os.Getenv("ROLLCALL_TOKEN"),
		CACert:    "/etc/rollcall/ca.pem",
		Retry:     clientsdk.Retry{Tries: 5},
		Logger:    slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
}

func ExampleLease_Fence() {
	var lease *clientsdk.Lease // of client.Register

	write := func(epoch uint64) { /* the storage refuses a lower epoch than it has seen */ }

	if epoch, valid := lease.Fence(); valid {
		write(epoch)
	}
}

func ExampleClient_Register_callbacks() {
	var client *clientsdk.Client

	_, _ = client.Register(context.Background(), clientsdk.Registration{
		ID: "web-1",
		OnState: func(s clientsdk.Status) {
			log.Printf("%s, epoch %d, because %v", s.State, s.Epoch, s.Err)
		},
		OnLost: func(gone *clientsdk.LostError) {
			if errors.Is(gone, clientsdk.ErrExpired) && gone.Certificate != nil {
				log.Printf("buried by %s, %d ms overdue", gone.Certificate.Judge, gone.Certificate.OverdueMS)
			}
		},
		OnQuality: func(q clientsdk.Quality) {
			log.Printf("%s: p95 %v, jitter %v, loss %.1f %%", q.Level, q.P95, q.Jitter, 100*q.Loss)
		},
	})
}

func ExampleProbeAny() {
	var client *clientsdk.Client

	_, _ = client.Register(context.Background(), clientsdk.Registration{
		ID:     "web-1",
		Health: clientsdk.ProbeAny("127.0.0.1:8080", "http://127.0.0.1:8080/healthz", time.Second),
	})
}

func ExampleClient_Register_exclusive() {
	var client *clientsdk.Client

	lease, err := client.Register(context.Background(), clientsdk.Registration{ID: "scheduler", Exclusive: true})
	switch {
	case clientsdk.IsTaken(err):
		problem, _ := errors.AsType[*wire.Problem](err)
		log.Printf("epoch %d holds it", problem.Holder.Epoch)
	case err != nil:
		log.Print(err)
	default:
		defer lease.Leave(context.Background())
	}
}

func ExampleClient_AliveAll() {
	var client *clientsdk.Client
	ctx := context.Background()

	query := clientsdk.Query{Service: "web", Tags: []string{"v2"}, Meta: map[string]string{"zone": "a"}}
	for lease, err := range client.AliveAll(ctx, query) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %s:%d\n", lease.ID, lease.Address, lease.Port)
	}
}

func ExampleFrom() {
	var client *clientsdk.Client
	ctx := context.Background()

	var from clientsdk.Origin
	page, err := client.Alive(ctx, clientsdk.Query{Service: "web"},
		clientsdk.Linearizable, clientsdk.From(&from))
	if clientsdk.IsNoLeader(err) {
		page, err = client.Alive(ctx, clientsdk.Query{Service: "web"}, clientsdk.From(&from))
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d alive, says %s, %v behind\n", page.Count, from.Node, from.Staleness)
}

func ExampleNewGateway() {
	var client *clientsdk.Client
	ctx := context.Background()

	gateway, err := clientsdk.NewGateway(client, clientsdk.GatewayConfig{
		OnResults: func(results []clientsdk.BeatResult) {
			for _, r := range results {
				if r.Gone() {
					log.Printf("%s needs a new grant: %s", r.ID, r.Code)
				}
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer gateway.Close()

	if _, err := gateway.Grant(ctx, "sensor-17", wire.Registration{Service: "sensors"}); err != nil {
		log.Fatal(err)
	}
	_ = gateway.Beat("sensor-17") // whenever the device was heard
}

func ExampleClient_Do() {
	var client *clientsdk.Client
	ctx := context.Background()

	raw, _, err := client.Do(ctx, http.MethodGet, "/v1/cluster", nil, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	os.Stdout.Write(raw)
}

func ExampleClient_Watch() {
	var client *clientsdk.Client
	ctx := context.Background()

	watch := func() error {
		view := map[string]wire.Lease{}
		for change, err := range client.Watch(ctx, clientsdk.WatchQuery{Service: "web"}) {
			if err != nil {
				return err // ctx has ended, or the watch was refused
			}
			if change.Restarted {
				clear(view)
			}
			for _, lease := range change.Leases { // of a snapshot
				view[lease.ID] = lease
			}
			switch {
			case change.Lease != nil && !change.LeavesFilter:
				view[change.ID] = *change.Lease
			case change.Certificate != nil || change.LeavesFilter:
				delete(view, change.ID)
			}
		}
		return nil
	}
	log.Print(watch())
}

func ExampleClient_Send() {
	var client *clientsdk.Client
	ctx := context.Background()

	sent, err := client.Send(ctx, "web-1", clientsdk.Message{From: "billing", Body: map[string]int{"invoice": 7}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent.ID, sent.Offset)
}

func ExampleClient_Inbox() {
	var client *clientsdk.Client
	var lease *clientsdk.Lease // of client.Register
	ctx := context.Background()

	book := func(ctx context.Context, invoice int) error { return ctx.Err() }

	err := client.Inbox(ctx, lease, clientsdk.InboxConfig{Workers: 4}, func(ctx context.Context, m clientsdk.Received) error {
		var order struct{ Invoice int }
		if err := m.Decode(&order); err != nil {
			return err
		}
		return book(ctx, order.Invoice)
	})
	log.Print(err)
}

func Example_outbox() {
	var client *clientsdk.Client
	ctx := context.Background()

	box, err := outbox.Open("/var/lib/billing/outbox.db", outbox.Config{
		Sender: client,
		OnSetAside: func(e outbox.Entry) {
			log.Printf("message %s to %s was refused %d times: %s", e.Message.ID, e.To, e.Tries, e.Err)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()
	go box.Run(ctx)

	err = box.Put(ctx, "web-1", clientsdk.Message{Body: "paid"})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleNew_session() {
	client, err := clientsdk.New(clientsdk.Config{
		Endpoints: []string{"https://n1:7700", "https://n2:7700", "https://n3:7700"},
		Session:   true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
}
