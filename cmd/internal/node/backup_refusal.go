package node

import (
	"errors"
	"fmt"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

// unrestored is the answer where certainly nothing was changed, and the same may
// succeed later.
func unrestored(why string) error {
	return wire.NewProblem(wire.CodeNoLeader, "the backup was not restored, and nothing was changed: "+why)
}

func foreign(backup, own string) error {
	p := wire.NewProblem(wire.CodeInvalidRequest, fmt.Sprintf(
		"the backup is of cluster %q and this is %q; nothing was changed. Where that is meant, restore it with force=true (rollcall cluster restore --force)", backup, own))
	p.Field = "force"
	return p
}

// uploadError names what is wrong with an upload. All errors of the reader are
// the api's own to name.
func uploadError(err error) error {
	switch {
	case errors.Is(err, raftstore.ErrTooLarge):
		p := wire.NewProblem(wire.CodeTooLarge, err.Error())
		p.LimitBytes = raftstore.MaxBackup
		return p
	case errors.Is(err, raftstore.ErrBackup):
		p := wire.NewProblem(wire.CodeInvalidRequest, err.Error()+"; nothing was changed")
		p.Field = "body"
		return p
	case errors.Is(err, raftstore.ErrNoRoom):
		return fmt.Errorf("%w: %w; nothing was changed", api.ErrOverloaded, err)
	}
	return err
}
