package clientsdk

import (
	"context"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// teller tells the cluster of messages, as the holder of an epoch.
type teller func(ctx context.Context, epoch uint64, some []verdict) (revision uint64, err error)

// insist tells until there is a definite answer. An epoch that is refused has
// ended; the next one, which the keeper is asking for, may settle as well.
func (b *inbox) insist(ctx context.Context, some []verdict, tell teller) (uint64, error) {
	var refused uint64
	for n := 0; ; n++ {
		if err := sleep(ctx, b.client.config.Retry.pause(n)); err != nil {
			return 0, err
		}
		epoch := b.lease.Epoch()
		if epoch == 0 || epoch == refused {
			if b.abandoned() {
				return 0, ErrNotHeld
			}
			continue
		}
		revision, err := tell(ctx, epoch, some)
		switch gone := lostBy(err, b.id, epoch); {
		case err == nil:
			return revision, nil
		case gone != nil:
			refused = epoch
		case isDefinite(err):
			return 0, err
		}
	}
}

// abandoned says that there will be no further epoch.
func (b *inbox) abandoned() bool {
	select {
	case <-b.lease.done:
		return true
	default:
		return false
	}
}

func (b *inbox) ack(ctx context.Context, epoch uint64, some []verdict) (uint64, error) {
	ack := wire.Ack{Epoch: epoch}
	for _, v := range some {
		ack.IDs = append(ack.IDs, v.message.ID)
	}
	acked, err := b.client.Ack(ctx, b.id, ack)
	if err != nil {
		return 0, err
	}
	return acked.Revision, nil
}

func (b *inbox) nack(ctx context.Context, epoch uint64, some []verdict) (uint64, error) {
	v := some[0]
	nacked, err := b.client.Nack(ctx, b.id, wire.Nack{
		Epoch: epoch, IDs: []string{v.message.ID}, Attempt: v.message.Attempts + 1, Reason: reasonOf(v.err),
	})
	if err != nil {
		return 0, err
	}
	return nacked.Revision, nil
}

// reasonOf is an error's text as it fits into a nack.
func reasonOf(err error) string {
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), wire.MaxReason)], "")
}
