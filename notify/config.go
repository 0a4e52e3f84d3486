package notify

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// What a zero field of a Config, a TypeConfig or a Backlog means.
const (
	DefaultQueueSize   = 1000
	DefaultBatch       = 64
	DefaultBacklogSize = 256
	DefaultAddTimeout  = time.Second
	DefaultPatience    = 5 * time.Millisecond
)

// Config is all that an Engine needs to know. Types is required.
type Config struct {
	Types    map[Type]TypeConfig // the types that can be published and subscribed to
	Observer Observer            // hears of every loss and every end; may be nil
	Clock    clock.Clock         // what Run reads; nil means clock.Real

	// Patience is how long Run lets a shard stand still in one Deliver before it has another
	// goroutine go on with the rest of the shard; 0 means 5 ms. Who is Prompt isn't watched.
	Patience time.Duration
	// Blocked hears by name of each subscriber whose Deliver has taken longer than that, on the
	// goroutine that goes on, under the rules of an Observer; may be nil.
	Blocked func(s *Subscription)
}

// TypeConfig configures the processor of one type. Its zero value is ready for use.
type TypeConfig struct {
	QueueSize int      // task queue, events per shard; ≤ 0 means 1000
	Shards    int      // workers; 0 means GOMAXPROCS
	Batch     int      // most events of one target that a step takes at once; 0 means 64
	WhenFull  WhenFull // what Publish does when the task queue is full
	Backlog   Backlog  // for subscriptions that bring none of their own
}

// WhenFull says what Publish does when the task queue is full.
type WhenFull uint8

const (
	Wait   WhenFull = iota // wait until there is room, ctx ends or the engine closes
	Reject                 // return ErrFull at once
)

// Backlog says what becomes of the events that a parked subscription can't take yet. Many
// subscriptions share one; it must not change once the first of them was made.
type Backlog struct {
	Size       int           // events that wait in order; 0 means 256
	Overflow   Overflow      // what happens beyond Size
	AddTimeout time.Duration // how long Block waits for room; 0 means 1 s

	// The two costs of service-center 1.x, for comparison runs.
	Prealloc    bool // the mailbox is allocated in full at Subscribe and kept
	WaitForList bool // the shard waits up to AddTimeout for StartAfter before it offers an event
}

// Overflow is what happens when an event finds the backlog of its subscription full.
type Overflow uint8

const (
	// Conflate delivers, beyond Size, only the latest event of each Key, in publish order: an older
	// one is passed over. An event without a Key is dropped there. What waits beyond Size is kept
	// once for a group, however many of its members are that far behind.
	Conflate Overflow = iota
	// DropOldest throws the oldest waiting event away.
	DropOldest
	// DropNewest throws the arriving event away.
	DropNewest
	// Flush throws the whole backlog away and keeps the arriving event (service-center 2.x).
	Flush
	// Evict ends the subscription with ErrSlow.
	Evict
	// Block makes the shard, and with it everybody behind, wait for room up to AddTimeout, and
	// drops the event when there is none (service-center 1.x).
	Block
)

var overflowNames = [...]string{
	"conflate", "drop-oldest", "drop-newest", "flush", "evict", "block",
}

// String is the policy's name, as ParseOverflow takes it.
func (o Overflow) String() string {
	if int(o) < len(overflowNames) {
		return overflowNames[o]
	}
	return fmt.Sprintf("Overflow(%d)", uint8(o))
}

// ParseOverflow finds a policy by its name; the error lists the names.
func ParseOverflow(name string) (Overflow, error) {
	for i, n := range overflowNames {
		if n == name {
			return Overflow(i), nil
		}
	}
	return 0, fmt.Errorf("%w: overflow %q: want one of %s",
		ErrInvalid, name, strings.Join(overflowNames[:], ", "))
}

// OverflowNames lists what ParseOverflow takes.
func OverflowNames() []string { return append([]string(nil), overflowNames[:]...) }

// Observer hears what becomes of subscriptions: the one in Config of all of them, and a Subscriber
// that is an Observer too of its own. It is called on the goroutine of the subscription's shard,
// so it must not block; it may call any method of the engine and of the subscription. Dropped may
// be called while a Deliver that blocks is under way, on another goroutine (see
// Subscription.Blocked); Ended never is.
type Observer interface {
	// Dropped says that s will not get events: at least one, in publish order. With cause
	// Conflated a newer event of the Key of each is waiting for s; with any other cause s has a
	// gap. The slice is the engine's.
	Dropped(s *Subscription, events []*Event, cause Cause)
	// Ended says that s is over and why. It is the last call about s: no Deliver follows.
	Ended(s *Subscription, reason error)
}

// Validate reports everything that is wrong with c, each mistake with the field's name and the
// accepted form; the errors wrap ErrInvalid.
func (c Config) Validate() error {
	var errs []error
	if len(c.Types) == 0 {
		errs = append(errs, fmt.Errorf("%w: Types: want at least one type", ErrInvalid))
	}
	if c.Patience < 0 {
		errs = append(errs,
			fmt.Errorf("%w: Patience = %v: want 0 (5ms) or more", ErrInvalid, c.Patience))
	}
	for _, t := range slices.Sorted(maps.Keys(c.Types)) {
		tc := c.Types[t]
		bad := func(field string, got any, want string) {
			errs = append(errs,
				fmt.Errorf("%w: Types[%q].%s = %v: want %s", ErrInvalid, t, field, got, want))
		}
		if t == "" {
			bad("name", `""`, "a non-empty type")
		}
		if tc.Shards < 0 {
			bad("Shards", tc.Shards, "0 (GOMAXPROCS) or more")
		}
		if tc.Batch < 0 {
			bad("Batch", tc.Batch, "0 (64) or more")
		}
		if tc.WhenFull > Reject {
			bad("WhenFull", tc.WhenFull, "Wait or Reject")
		}
		if err := tc.Backlog.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("Types[%q].Backlog: %w", t, err))
		}
	}
	return errors.Join(errs...)
}

// Validate reports everything that is wrong with b, as Config.Validate does.
func (b *Backlog) Validate() error {
	var errs []error
	if b.Size < 0 || b.Size > math.MaxInt32 {
		errs = append(errs, fmt.Errorf("%w: Size = %d: want 0 (256) to %d", ErrInvalid, b.Size,
			math.MaxInt32))
	}
	if b.Overflow > Block {
		errs = append(errs, fmt.Errorf("%w: Overflow = %v: want one of %s", ErrInvalid, b.Overflow,
			strings.Join(overflowNames[:], ", ")))
	}
	if b.AddTimeout < 0 {
		errs = append(errs,
			fmt.Errorf("%w: AddTimeout = %v: want 0 (1s) or more", ErrInvalid, b.AddTimeout))
	}
	return errors.Join(errs...)
}

// Effective is c with every zero that stands for a default replaced by that default.
func (c TypeConfig) Effective() TypeConfig {
	if c.QueueSize <= 0 {
		c.QueueSize = DefaultQueueSize
	}
	if c.Shards == 0 {
		c.Shards = runtime.GOMAXPROCS(0)
	}
	if c.Batch == 0 {
		c.Batch = DefaultBatch
	}
	c.Backlog = c.Backlog.Effective()
	return c
}

// Effective is b with every zero that stands for a default replaced by that default.
func (b Backlog) Effective() Backlog {
	b.Size, b.AddTimeout = b.size(), b.addTimeout()
	return b
}

func (b *Backlog) size() int { return cmp.Or(b.Size, DefaultBacklogSize) }

func (b *Backlog) addTimeout() time.Duration { return cmp.Or(b.AddTimeout, DefaultAddTimeout) }
