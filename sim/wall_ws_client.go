package sim

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/notifylab/notifylab/notify/stream"
)

// The opcodes of RFC 6455, section 5.2, that a watcher's client meets.
const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xa
)

// clientBuffer holds some frames of a change; there is one per connection.
const clientBuffer = 1 << 10

// handshakeTimeout ends a dial that nobody answers.
const handshakeTimeout = 10 * time.Second

// wsClient is the client's end of a WebSocket connection to this program's own server. A library's
// would take some 12 KB for its buffers, which is more than all that is to be measured here.
type wsClient struct {
	conn net.Conn
	r    *bufio.Reader
	peek int // bytes of r that the last frame still occupies
}

// dialWS connects from an address, nil for any, and upgrades (RFC 6455, section 4.1).
func dialWS(ctx context.Context, from net.Addr, to, path string) (*wsClient, error) {
	d := net.Dialer{LocalAddr: from, KeepAlive: -1}
	conn, err := d.DialContext(ctx, "tcp", to)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c := &wsClient{conn: conn, r: bufio.NewReaderSize(conn, clientBuffer)}
	if err = c.upgrade(to, path); !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("upgrade to WebSocket: %w", err), conn.Close())
	}
	return c, nil
}

func (c *wsClient) upgrade(host, path string) error {
	if err := c.conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	_, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
		path, host, key)
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the server says %s", answer.Status)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if answer.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) {
		return errors.New("the server's Sec-WebSocket-Accept is wrong")
	}
	return c.conn.SetDeadline(time.Time{})
}

// next reads a message or a ping; a close is the end.
func (c *wsClient) next() (text []byte, ping bool, err error) {
	op, text, err := c.frame()
	if err == nil && op == opClose {
		err = io.EOF
	}
	return text, op == opPing, err
}

// pong answers a ping of this program's server, which has no payload.
func (c *wsClient) pong() error { return c.write(opPong, nil) }

// hangUp closes the connection; one who leaves says so.
func (c *wsClient) hangUp(how error) {
	if errors.Is(how, stream.ErrLeft) {
		const normal = 1000
		_ = c.write(opClose, binary.BigEndian.AppendUint16(nil, normal)) // or it is closed already
	}
	_ = c.conn.Close()
}

// frame reads a frame. Its text is valid until the next call.
func (c *wsClient) frame() (op byte, text []byte, err error) {
	if _, err = c.r.Discard(c.peek); err != nil {
		return 0, nil, err
	}
	c.peek = 0
	head, err := c.take(2)
	if err != nil {
		return 0, nil, err
	}
	const final, masked = 0x80, 0x80
	op, size := head[0]&0xf, uint64(head[1]&^masked)
	if head[0]&final == 0 || head[1]&masked != 0 {
		return 0, nil, fmt.Errorf("frame % x: want whole messages, not masked", head)
	}
	switch size {
	case 126:
		if head, err = c.take(2); err == nil {
			size = uint64(binary.BigEndian.Uint16(head))
		}
	case 127:
		if head, err = c.take(8); err == nil {
			size = binary.BigEndian.Uint64(head)
		}
	}
	if err != nil {
		return 0, nil, err
	}
	if size > clientBuffer {
		text = make([]byte, size)
		_, err = io.ReadFull(c.r, text)
		return op, text, err
	}
	c.peek = int(size)
	text, err = c.r.Peek(int(size))
	return op, text, err
}

// take reads n bytes, which are valid until the next read.
func (c *wsClient) take(n int) ([]byte, error) {
	head, err := c.r.Peek(n)
	if err != nil {
		return nil, err
	}
	_, err = c.r.Discard(n) // they are there
	return head, err
}

// write writes a short frame; the mask that a client must use is zero.
func (c *wsClient) write(op byte, payload []byte) error {
	frame := append([]byte{0x80 | op, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	_, err := c.conn.Write(frame)
	return err
}
