package sim

import (
	"context"
)

// WSClient is the client's end of a connection over WebSocket.
type WSClient struct{ c *wsClient }

// DialWS dials an address as consumers do.
func DialWS(ctx context.Context, to string) (WSClient, error) {
	c, err := dialWS(ctx, nil, to, "/1")
	return WSClient{c}, err
}

func (c WSClient) Next() (op byte, text []byte, err error) { return c.c.frame() }
func (c WSClient) Pong(payload []byte) error               { return c.c.write(opPong, payload) }
func (c WSClient) Close() error                            { return c.c.conn.Close() }

// Source is the address from which a consumer dials; "" is any.
func Source(consumers int, number uint64) string {
	if from := source(consumers, number); from != nil {
		return from.String()
	}
	return ""
}

// CheckFrame decodes a frame.
func CheckFrame(text string) error {
	_, err := decodeFrame([]byte(text), virtualEpoch)
	return err
}

// CheckFrameProto decodes a frame over gRPC.
func CheckFrameProto(text string) error {
	_, err := decodeProto([]byte(text), virtualEpoch)
	return err
}
