package stream

import (
	"errors"
	"sync"
)

// ErrEncode is what a Cache returns after an encode that panicked.
var ErrEncode = errors.New("stream: event could not be encoded")

// Cache keeps the encoded form of what it is a field of: a payload has one for each encoding that
// it is sent in. Its zero value is ready for use, and it must not be copied after that.
//
//	encode := func(ev *notify.Event) ([]byte, error) {
//		change := ev.Payload.(*Change)
//		return change.json.Get(change.encode)
//	}
type Cache struct {
	once  sync.Once
	bytes []byte
	err   error
}

// Get calls encode the first time only; those who come meanwhile wait for it. They share the bytes
// and must not change them.
func (c *Cache) Get(encode func() ([]byte, error)) ([]byte, error) {
	c.once.Do(func() {
		c.err = ErrEncode // stays if encode panics, for nobody will try again
		c.bytes, c.err = encode()
	})
	return c.bytes, c.err
}
