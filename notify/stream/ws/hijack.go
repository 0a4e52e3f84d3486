package ws

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
)

// What the library's buffers hold. It reads messages of up to 64 bytes and writes control frames,
// which have up to 127; a watcher that is idle should not pay for more.
const (
	readBufferSize  = 128
	writeBufferSize = 128
)

// hijacker hands the library a cork, and small buffers.
type hijacker struct {
	http.ResponseWriter
	sendBuffer int
	cork       *cork
}

const defaultSendBuffer = 64 << 10

// Hijack takes the connection over from the server.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	unread, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	if secured, ok := conn.(*tls.Conn); ok {
		bound(secured.NetConn(), h.sendBuffer)
	} else {
		bound(conn, h.sendBuffer)
	}
	h.cork = newCork(conn, unread)
	return h.cork, bufio.NewReadWriter(
		bufio.NewReaderSize(h.cork, readBufferSize),
		bufio.NewWriterSize(h.cork, writeBufferSize)), nil
}

// bound limits what the system holds for a client. Where it can't, its own limit stays.
func bound(conn net.Conn, sendBuffer int) {
	if c, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = c.SetWriteBuffer(sendBuffer)
	}
}

// canHijack says whether a server lets go of a connection; one of HTTP/2 doesn't.
func canHijack(w http.ResponseWriter) bool {
	for {
		switch inner := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = inner.Unwrap()
		default:
			return false
		}
	}
}
