package live

import (
	"context"
	_ "embed"
	"errors"
	"html/template"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim/report"
)

var (
	//go:embed live.html
	pageHTML string
	//go:embed live.css
	pageCSS string
	//go:embed live.js
	pageJS string
)

var page = template.Must(template.New("live").Parse(pageHTML))

// ReadersMax is how many readers there may be at a time; others are sent away with 503.
const ReadersMax = 64

// Config says what is served, and to whom.
type Config struct {
	Board    *Board       // required
	Listener net.Listener // required

	// WriteTimeout is for how long a reader may take nothing; 0: 5 s.
	WriteTimeout time.Duration
}

// Server shows a board. Make it with New, and Run it once.
type Server struct {
	c        Config
	web      *http.Server
	readers  atomic.Int64
	conns    sync.WaitGroup
	stopping chan struct{}
}

// The pace of a stream.
const (
	// A virtual run makes thousands of points in a second; nobody can look at each.
	pause = 100 * time.Millisecond
	// A line every now and then shows that the other side is still there, to both of them.
	keepAlive = 15 * time.Second
)

// New makes a server and starts nothing.
func New(c Config) *Server {
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = 5 * time.Second
	}
	s := &Server{c: c, stopping: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /live.css", file("text/css; charset=utf-8", report.Palette()+pageCSS))
	mux.HandleFunc("GET /live.js", file("text/javascript; charset=utf-8", pageJS))
	mux.HandleFunc("GET /events", s.events)
	s.web = &http.Server{Handler: s.guarded(mux), ReadHeaderTimeout: c.WriteTimeout,
		IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 14, ConnState: s.watch}
	return s
}

// URL is where the page is.
func (s *Server) URL() string { return "http://" + s.c.Listener.Addr().String() + "/" }

// Local reports whether only this machine can reach the page.
func (s *Server) Local() bool {
	tcp, ok := s.c.Listener.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// Run serves until ctx ends, closes the listener, and then returns nil; other errors are the
// listener's. A reader gets what is on the board by then, and if that takes it longer than
// WriteTimeout it is cut.
func (s *Server) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.web.Serve(s.c.Listener) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	close(s.stopping)
	s.drain()
	_ = s.web.Close() // it can only fail to close the listener, which Serve has then noticed
	if err == nil {
		err = <-served
	}
	s.conns.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// drain waits until the readers have what there is. Shutdown of net/http would wait as long for
// connections that browsers open ahead of need, too.
func (s *Server) drain() {
	clk := clock.Real{}
	timer := clk.NewTimer(0)
	defer timer.Stop()
	for end := clk.Now().Add(s.c.WriteTimeout); s.readers.Load() > 0 && clk.Now().Before(end); {
		timer.Reset(10 * time.Millisecond)
		<-timer.C()
	}
}

// watch counts the connections, so that Run can wait for their goroutines.
func (s *Server) watch(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed:
		s.conns.Done()
	}
}

// policy is the page's Content-Security-Policy.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guarded refuses what doesn't come from somebody who was given the address, and tells browsers
// what the page may do.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if s.Local() && !local(r.Host) {
			http.Error(w, "the host must be localhost or an IP address", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// local reports whether a Host header is one that no name server can have had a say in.
func local(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host // without a port
	}
	if len(name) > 1 && name[0] == '[' && name[len(name)-1] == ']' {
		name = name[1 : len(name)-1]
	}
	return name == "localhost" || net.ParseIP(name) != nil
}

func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, s.c.Board.title) // it is a reader's connection that fails
}

func file(kind, content string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(content))
	}
}
