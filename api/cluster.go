package api

import (
	"context"
	"net/http"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// cluster describes the cluster.
func (s *Server) cluster(ctx context.Context, _ *request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	c, err := s.node.Cluster(ctx)
	if c.Nodes == nil {
		c.Nodes = []wire.Node{}
	}
	return answer{status: http.StatusOK, body: c}, err
}

// removeNode takes a node out of the cluster.
func (s *Server) removeNode(ctx context.Context, r *request) (answer, error) {
	err := s.node.RemoveNode(ctx, r.param)
	return answer{status: http.StatusOK, body: wire.NodeRemoved{ID: r.param}}, err
}

// transfer hands the leadership to another voter.
func (s *Server) transfer(ctx context.Context, _ *request) (answer, error) {
	if err := s.node.Transfer(ctx); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: wire.Transferred{Leader: s.node.Status().Leader}}, nil
}

// release ends holds: who is held is buried as others are.
func (s *Server) release(ctx context.Context, r *request) (answer, error) {
	service, err := r.query.text(paramService, isService)
	if err != nil {
		return answer{}, err
	}
	result, err := s.do(ctx, &registry.Release{NS: r.ns, Service: service})
	return answer{status: http.StatusOK, body: wire.Released{Released: result.Buried, Revision: result.Revision}}, err
}
