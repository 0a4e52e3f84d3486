package grpc

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
)

// DefaultTenant is the domain or the project of a client whose metadata don't say one.
const DefaultTenant = "default"

// Config says what a Service serves, and whom. Open is required.
type Config struct {
	// Open opens the session that a request asks for; its Config must be OneWay. The context is
	// the stream's. The text of an error goes to the client.
	Open func(ctx context.Context, selfServiceID, domain, project string) (*stream.Session, error)

	// Authenticate lets a stream in, or says why not; that is not told. The context has the
	// stream's metadata and its peer. Nil lets all in.
	Authenticate func(ctx context.Context) error
	// ConnsMax is how many streams there may be at once; 0 means any number.
	ConnsMax int

	// Pool drives the sessions; it must be running. Each write is then a goroutine's of its own,
	// for nobody can tell beforehand whether one has to wait. Nil: each session has two
	// goroutines, with a pool one, beside the server's.
	Pool *stream.Pool

	// Ended hears the reason of every session's end, for counting; may be nil.
	Ended func(s *stream.Session, reason error)
}

// Validate reports everything that is wrong with c; the errors wrap notify.ErrInvalid.
func (c *Config) Validate() error {
	var errs []error
	if c.Open == nil {
		errs = append(errs, fmt.Errorf("%w: grpc: Open: want a function", notify.ErrInvalid))
	}
	if c.ConnsMax < 0 {
		errs = append(errs, fmt.Errorf("%w: grpc: ConnsMax = %d: want 0 (no limit) or more",
			notify.ErrInvalid, c.ConnsMax))
	}
	return errors.Join(errs...)
}

// Service is the gRPC service of watcher streams. Make it with New.
type Service struct {
	c      Config
	ctx    context.Context
	cancel context.CancelCauseFunc
	conns  atomic.Int64

	mu      sync.Mutex // orders the first of serving before Close
	closed  bool
	serving sync.WaitGroup // of the streams that got as far as Open
}

// New makes a service. The errors are those of Config.Validate.
func New(c Config) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	return &Service{c: c, ctx: ctx, cancel: cancel}, nil
}

// Register adds the service to a server that has the option Codec, before it serves.
func (s *Service) Register(server grpc.ServiceRegistrar) { server.RegisterService(&description, s) }

var description = grpc.ServiceDesc{
	ServiceName: "proto.ServiceInstanceCtrl",
	HandlerType: (*any)(nil), // Register takes care of the type
	Streams: []grpc.StreamDesc{{
		StreamName:    "watch",
		Handler:       func(s any, ss grpc.ServerStream) error { return s.(*Service).watch(ss) },
		ServerStreams: true,
	}},
	Metadata: "watch.proto",
}

// Conns is how many streams there are.
func (s *Service) Conns() int { return int(s.conns.Load()) }

// Close ends all sessions with notify.ErrClosed, and returns after the last. Streams that come
// later end at once.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel(notify.ErrClosed)
	s.serving.Wait()
}

// watch lets one stream in, or not.
func (s *Service) watch(ss grpc.ServerStream) error {
	if s.c.Authenticate != nil && s.c.Authenticate(ss.Context()) != nil {
		return status.Error(codes.Unauthenticated, "not authenticated")
	}
	conns := s.conns.Add(1)
	stays := false
	defer func() {
		if !stays { // else who serves it counts it out, which may be after this returns
			s.conns.Add(-1)
		}
	}()
	if s.c.ConnsMax > 0 && conns > int64(s.c.ConnsMax) {
		return status.Error(codes.Unavailable, "too many connections")
	}
	// What a WatchInstanceRequest is on the wire, a StringValue is, too: one text, in field 1.
	var selfServiceID wrapperspb.StringValue
	if err := ss.RecvMsg(&selfServiceID); err != nil {
		return err
	}
	// Only now, for the request may never come, and Close must not wait for that.
	if !s.enter() {
		return status.Error(codes.Unavailable, "server is going away")
	}
	defer func() {
		if !stays {
			s.serving.Done()
		}
	}()
	session, err := s.open(ss.Context(), selfServiceID.GetValue()) // or it panics
	stays = true
	ctx, leave := context.WithCancelCause(s.ctx)
	c := newConn(ss, leave)
	go s.run(ctx, c, session, err)
	<-c.over
	return c.status
}

// errTwoWay ends a session that would wait for pongs which can't come.
var errTwoWay = fmt.Errorf("%w: grpc: Open: the session's Config: want OneWay", notify.ErrInvalid)

// enter counts a stream in, unless the service is closed.
func (s *Service) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.serving.Add(1)
	}
	return !s.closed
}

// open asks Open, in the words of the client.
func (s *Service) open(ctx context.Context, selfServiceID string) (*stream.Session, error) {
	domain, project := DefaultTenant, DefaultTenant
	if values := metadata.ValueFromIncomingContext(ctx, "domain"); len(values) > 0 {
		domain = values[0]
	}
	if values := metadata.ValueFromIncomingContext(ctx, "project"); len(values) > 0 {
		project = values[0]
	}
	session, err := s.c.Open(ctx, selfServiceID, domain, project)
	if err == nil && !session.OneWay() {
		session.End(errTwoWay)
	}
	return session, err
}

// run serves a session to its end, or tells the client why there is none.
func (s *Service) run(ctx context.Context, c *conn, session *stream.Session, err error) {
	defer s.serving.Done()
	defer c.leave(nil)
	if err != nil {
		c.refuse(err)
		s.conns.Add(-1)
		return
	}
	reason := s.serve(ctx, c, session)
	s.conns.Add(-1)
	if s.c.Ended != nil {
		s.c.Ended(session, reason)
	}
}

// serve makes of a panic in a lister the reason of the one session that it concerns.
func (s *Service) serve(ctx context.Context, c *conn, session *stream.Session) (reason error) {
	defer func() {
		if v := recover(); v != nil {
			reason = &notify.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	if s.c.Pool != nil {
		return s.c.Pool.Serve(ctx, c, session)
	}
	return stream.Serve(ctx, c, session)
}

// refuse tells a client why there is no watcher for it.
func (c *conn) refuse(why error) {
	text := valid(why.Error())
	deadline := time.Now().Add(stream.DefaultWriteTimeout)
	// The status says it once more, so it doesn't matter whether this comes through.
	_ = c.Write(deadline, [][]byte{encodeRefusal(text)})
	_ = c.Close(stream.CodePolicy, text)
}
