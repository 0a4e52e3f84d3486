package ws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
)

// Config says what a Handler serves, and whom. Open is required.
type Config struct {
	// Open opens the session that a request asks for. It is called after the upgrade, so the text
	// of its error goes to the client, as a text frame.
	Open func(*http.Request) (*stream.Session, error)

	// Authenticate lets a request in, or says why not; that is not told. Nil lets all in.
	Authenticate func(*http.Request) error
	// Origins are patterns, as path.Match takes them, of the hosts whose pages may connect beside
	// the server's own; nil lets all connect. Who sends no Origin is no browser and always may.
	Origins []string
	// ConnsMax is how many may be connected at once; 0 means any number.
	ConnsMax int

	// SendBuffer is how many bytes the system holds for a client that doesn't read; 0 means 64 KiB.
	// What is in there can't be conflated any more: the system's own choice, up to megabytes, makes
	// slow clients late instead of a few events behind. A longer list or event is no harm.
	SendBuffer int

	// Pool drives the sessions, and must be running. Nil: one of the handler's own, which runs from
	// the first connection on until Close.
	Pool *stream.Pool
	// PerConn has stream.Serve drive each session instead: with goroutines and a timer of its own,
	// which costs nearly twice the memory and a third more CPU time for an event.
	PerConn bool

	// Ended hears the reason of every session's end, for counting; may be nil.
	Ended func(s *stream.Session, reason error)
}

// Validate reports everything that is wrong with c; the errors wrap notify.ErrInvalid.
func (c *Config) Validate() error {
	var errs []error
	if c.Open == nil {
		errs = append(errs, fmt.Errorf("%w: ws: Open: want a function", notify.ErrInvalid))
	}
	for _, pattern := range c.Origins {
		if _, err := path.Match(pattern, ""); err != nil {
			errs = append(errs,
				fmt.Errorf("%w: ws: Origins: %q: %w", notify.ErrInvalid, pattern, err))
		}
	}
	if c.PerConn && c.Pool != nil {
		errs = append(errs, fmt.Errorf("%w: ws: PerConn = true: want false, or no Pool",
			notify.ErrInvalid))
	}
	if c.ConnsMax < 0 {
		errs = append(errs, fmt.Errorf("%w: ws: ConnsMax = %d: want 0 (no limit) or more",
			notify.ErrInvalid, c.ConnsMax))
	}
	if c.SendBuffer < 0 {
		errs = append(errs, fmt.Errorf("%w: ws: SendBuffer = %d: want 0 (64 KiB) or more",
			notify.ErrInvalid, c.SendBuffer))
	}
	return errors.Join(errs...)
}

// Handler is the http.Handler of watcher connections. Make it with New.
type Handler struct {
	c       Config
	ctx     context.Context
	cancel  context.CancelCauseFunc
	conns   atomic.Int64
	serving sync.WaitGroup

	own     *stream.Pool // nil when another one was given
	start   sync.Once    // of own
	running sync.WaitGroup
}

// New makes a handler. The errors are those of Config.Validate.
func New(c Config) (*Handler, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	h := &Handler{c: c, ctx: ctx, cancel: cancel}
	if c.Pool == nil && !c.PerConn {
		own, err := stream.NewPool(stream.PoolConfig{})
		if err != nil {
			return nil, err
		}
		h.own, h.c.Pool = own, own
	}
	return h, nil
}

// Conns is how many are connected.
func (h *Handler) Conns() int { return int(h.conns.Load()) }

// Close ends all connections with notify.ErrClosed, and returns after the last. Those that come
// later end at once; none may be on its way in: shut the server down before.
func (h *Handler) Close() {
	h.cancel(notify.ErrClosed)
	h.serving.Wait()
	if h.own != nil {
		h.own.Close() // comes first for those that come later
		h.running.Wait()
	}
}

// ServeHTTP upgrades a request and returns: the server's own memory for a connection, its buffers
// and its goroutine's stack, is more than all that an idle watcher needs here.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.c.Authenticate != nil && h.c.Authenticate(r) != nil {
		http.Error(w, "not authenticated", http.StatusUnauthorized)
		return
	}
	h.serving.Add(1) // before the client can know that it is connected
	conns := h.conns.Add(1)
	stays := false
	defer func() {
		if !stays {
			h.conns.Add(-1)
			h.serving.Done()
		}
	}()
	if h.c.ConnsMax > 0 && conns > int64(h.c.ConnsMax) {
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	conn, err := h.accept(w, r)
	if err != nil {
		return // the client was told
	}
	defer func() {
		if !stays {
			conn.abandon() // for Open has panicked
		}
	}()
	session, err := h.c.Open(r)
	stays = true
	go h.run(conn, session, err)
}

// run serves a session to its end, or tells the client why there is none.
func (h *Handler) run(c *conn, session *stream.Session, err error) {
	defer h.serving.Done()
	if err != nil {
		c.refuse(err)
		h.conns.Add(-1)
		return
	}
	c.ws.SetReadLimit(int64(session.ReadLimit()))
	reason := h.serve(c, session)
	h.conns.Add(-1)
	if h.c.Ended != nil {
		h.c.Ended(session, reason)
	}
}

// serve makes of a panic in a lister the reason of the one session that it concerns.
func (h *Handler) serve(c *conn, session *stream.Session) (reason error) {
	defer func() {
		if v := recover(); v != nil {
			reason = &notify.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	if h.c.PerConn {
		return stream.Serve(h.ctx, c, session)
	}
	if h.own != nil {
		h.start.Do(func() {
			h.running.Go(func() { h.own.Run(context.Background()) })
		})
	}
	return h.c.Pool.Serve(h.ctx, c, session)
}

// accept upgrades the connection, with the writes of the library under our control.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request) (*conn, error) {
	c := &conn{}
	taken := &hijacker{ResponseWriter: w, sendBuffer: cmp.Or(h.c.SendBuffer, defaultSendBuffer)}
	if canHijack(w) {
		w = taken
	} // else the library says that it can't
	var err error
	c.ws, err = websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: h.c.Origins == nil,
		OriginPatterns:     h.c.Origins,
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived: func(context.Context, []byte) bool {
			c.heard(stream.Ping)
			return true
		},
		OnPongReceived: func(context.Context, []byte) { c.heard(stream.Pong) },
	})
	c.cork = taken.cork
	return c, err
}

// refuse tells a client why there is no watcher for it.
func (c *conn) refuse(why error) {
	text := strings.ToValidUTF8(why.Error(), "?")
	deadline := time.Now().Add(stream.DefaultWriteTimeout)
	if err := c.Write(deadline, [][]byte{[]byte(text)}); err == nil {
		_ = c.Close(stream.CodePolicy, "") // it ends, whether the client agrees or not
	}
}
