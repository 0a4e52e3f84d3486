package ws

import (
	"bufio"
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
	cork *cork
}

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
	h.cork = newCork(conn, unread)
	return h.cork, bufio.NewReadWriter(
		bufio.NewReaderSize(h.cork, readBufferSize),
		bufio.NewWriterSize(h.cork, writeBufferSize)), nil
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
