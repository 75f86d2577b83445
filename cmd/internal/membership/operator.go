package membership

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/peer"
	"github.com/seed-b4c92e43/rollcall/raftstore"
)

var (
	// ErrUnknownNode is returned when a node is to be removed that Raft's
	// configuration does not hold.
	ErrUnknownNode = errors.New("no such node in the cluster")
	// ErrQuorum is returned when what is asked would leave no healthy majority.
	ErrQuorum = errors.New("no healthy majority would remain")
	// ErrNoLeader is returned when no leader is known, or the leader went away
	// over what it was asked.
	ErrNoLeader = errors.New("no leader")

	// errUnheard is the ErrNoLeader of a leader that was asked and did not answer.
	errUnheard = fmt.Errorf("%w that answers", ErrNoLeader)
)

// orderRequest is what a node passes on to the leader for an operator.
type orderRequest struct {
	Node string `json:"node,omitempty"`
}

// orderAnswer says how it went; Code stands for one of the errors above.
type orderAnswer struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

var orderCodes = map[string]error{"unknown_node": ErrUnknownNode, "quorum": ErrQuorum, "no_leader": ErrNoLeader}

func orderResult(err error) orderAnswer {
	if err == nil {
		return orderAnswer{}
	}
	for code, sentinel := range orderCodes {
		if errors.Is(err, sentinel) {
			return orderAnswer{Code: code, Message: err.Error()}
		}
	}
	return orderAnswer{Code: "failed", Message: err.Error()}
}

func (a orderAnswer) err() error {
	if sentinel := orderCodes[a.Code]; sentinel != nil {
		return fmt.Errorf("%w: the leader says: %s", sentinel, a.Message)
	}
	if a.Code != "" {
		return errors.New(a.Message)
	}
	return nil
}

func (m *Membership) handleOperator() {
	m.handleOrder(methodRemove, func(ctx context.Context, req orderRequest) error { return m.removeHere(ctx, req.Node) })
	m.handleOrder(methodTransfer, func(context.Context, orderRequest) error { return m.transferHere() })
}

func (m *Membership) handleOrder(method string, f func(context.Context, orderRequest) error) {
	m.config.Peers.HandleCall(method, func(ctx context.Context, from peer.Identity, body []byte) (any, error) {
		var req orderRequest
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, err
		}
		if own := m.config.Dir.Identity().ClusterID; own == "" || from.ClusterID != own {
			return nil, fmt.Errorf("%s does not belong to cluster %q", from.ServerID(), own)
		}
		return orderResult(f(ctx, req)), nil
	})
}

// RemoveNode takes a node out of Raft's configuration and tells its process to
// end; any node may be asked, the leader does it. The node does not come back
// with the same data directory while that leader leads. The error is
// ErrUnknownNode, ErrQuorum, ErrNoLeader or that of the change.
//
// A leader that is removed may end before its answer has arrived. So an answer
// that was lost is asked for again, and the node being unknown is then it.
func (m *Membership) RemoveNode(ctx context.Context, node string) error {
	unheard := false
	for patience := time.Now().Add(hearing); ; {
		err := m.removeAnywhere(ctx, node)
		unheard = unheard || errors.Is(err, errUnheard)
		switch {
		case unheard && errors.Is(err, ErrUnknownNode):
			return nil
		case !unheard || !errors.Is(err, ErrNoLeader):
			return err
		}
		if time.Now().After(patience) || !pause(ctx, abdicatePause) {
			return err
		}
	}
}

func (m *Membership) removeAnywhere(ctx context.Context, node string) error {
	if !m.config.Store.IsLeader() {
		return m.order(ctx, methodRemove, orderRequest{Node: node})
	}
	return m.removeHere(ctx, node)
}

// Transfer hands the leadership to another voter; any node may be asked.
func (m *Membership) Transfer(ctx context.Context) error {
	if !m.config.Store.IsLeader() {
		return m.order(ctx, methodTransfer, orderRequest{})
	}
	return m.transferHere()
}

// order passes an operator's wish on to the leader.
func (m *Membership) order(ctx context.Context, method string, req orderRequest) error {
	leader, _ := m.config.Store.Leader()
	addr, known := m.config.Book.Addr(leader)
	if leader == "" || !known || leader == m.config.Dir.Identity().ServerID() {
		return ErrNoLeader
	}
	var answer orderAnswer
	if err := m.config.Peers.Call(ctx, addr, leader, method, req, &answer); err != nil {
		return fmt.Errorf("%w: ask %s: %w", errUnheard, leader, err)
	}
	return answer.err()
}

func (m *Membership) transferHere() error {
	if !m.config.Store.IsLeader() {
		return ErrNoLeader
	}
	err := m.config.Store.Transfer("")
	switch {
	case err == nil:
		return nil
	case m.voteOthers(): // none of them took over in time; one may yet
		return fmt.Errorf("%w: transfer leadership: %w", ErrNoLeader, err)
	default:
		return fmt.Errorf("transfer leadership: %w", err)
	}
}

// voteOthers tells whether this node is not the only voter.
func (m *Membership) voteOthers() bool {
	servers, err := m.config.Store.Servers()
	self := m.config.Dir.Identity().ServerID()
	return err == nil && slices.ContainsFunc(servers, func(s raftstore.Server) bool { return s.Voter && s.ID != self })
}
