package api

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

var echoParams = strings.NewReplacer(slashID, "/:id", slashMsg, "/:msg")

// newRouter puts the table of routes into echo. This is the only file that
// knows echo: it finds the row for a method and an escaped path, and says which
// methods a path has; all else happens in serve.
func newRouter(s *Server) http.Handler {
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		allow, _ := c.Get(echo.ContextKeyHeaderAllow).(string)
		s.serveNone(c.Response().Writer, c.Request(), errors.Is(err, echo.ErrMethodNotAllowed), allow)
	}
	for _, ep := range s.routes {
		handle := func(c echo.Context) error {
			s.serve(ep, c.Response().Writer, c.Request(), escaped{id: c.Param("id"), msg: c.Param("msg")})
			return nil
		}
		path := echoParams.Replace(ep.Path)
		e.Add(ep.Method, path, handle)
		if ep.Method == http.MethodGet {
			e.Add(http.MethodHead, path, handle)
		}
	}
	return e
}

// keepEscapes makes echo match, and hand out, every path as it was sent: it
// takes RawPath, which package net/url sets only where it must.
func keepEscapes(u *url.URL) {
	if u.RawPath == "" {
		u.RawPath = u.EscapedPath()
	}
}
