package sim

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/ws"
)

// siteWS serves over WebSocket. The path of a request is the number of its dial.
type siteWS struct {
	listener net.Listener
	server   *http.Server
	handler  *ws.Handler
	serving  sync.WaitGroup
}

func newSiteWS(b *web, listener net.Listener) (*siteWS, error) {
	open := func(r *http.Request) (*stream.Session, error) { return b.open(r.URL.Path[1:]) }
	handler, err := ws.New(ws.Config{Open: open, Ended: b.ended})
	if err != nil {
		return nil, err
	}
	x := &siteWS{listener: listener, handler: handler, server: &http.Server{
		Handler:  handler,
		ErrorLog: log.New(io.Discard, "", 0), // whom it concerns, the consumer, counts it
	}}
	x.serving.Go(func() { _ = x.server.Serve(listener) }) // until Shutdown, which says the same
	return x, nil
}

func (x *siteWS) dial(ctx context.Context, from net.Addr, number uint64) (client, error) {
	c, err := dialWS(ctx, from, x.listener.Addr().String(), "/"+strconv.FormatUint(number, 10))
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (x *siteWS) decode(text []byte, epoch time.Time) (frame, error) {
	return decodeFrame(text, epoch)
}

func (x *siteWS) close() {
	_ = x.server.Shutdown(context.Background()) // it can't fail but by its ctx
	x.handler.Close()
	x.serving.Wait()
}
