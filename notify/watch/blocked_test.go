package watch_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// hangingSink blocks in Deliver until goOn, and then takes so many events.
type hangingSink struct {
	goOn chan int

	mu     sync.Mutex
	log    []string
	needed int
}

func (s *hangingSink) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

func (s *hangingSink) NeedList(*watch.Watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.needed++
}

func (s *hangingSink) lists() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.needed
}

func (s *hangingSink) Init(l watch.List) error {
	s.note("list %d", l.Revision)
	return nil
}

func (s *hangingSink) Deliver(batch []*notify.Event) (int, error) {
	first := batch[0].Revision
	taken := min(<-s.goOn, len(batch))
	if taken > 0 {
		s.note("%d to %d", first, first+int64(taken)-1)
	}
	return taken, nil
}

// While a Deliver blocks, the engine goes on and events are lost. The list that repairs that must
// not come into the middle of the call.
func TestResync_WaitsForADeliverThatBlocks(t *testing.T) {
	for _, tt := range losing {
		for _, takes := range []int{0, 1} {
			t.Run(fmt.Sprintf("%v/keyless=%v/takes=%d", tt.overflow, tt.keyless, takes),
				func(t *testing.T) {
					bubble(t, func(t *testing.T, e *notify.Engine) {
						s := &hangingSink{goOn: make(chan int)}
						w, err := watch.Open(e, here, s,
							&watch.Config{Backlog: small(tt.overflow), Resync: true})
						require.NoError(t, err)
						w.Listed(watch.List{})
						for i := range int64(8) {
							ev := &notify.Event{Type: kind, Subject: subject, Revision: i + 1}
							require.NoError(t, e.Publish(t.Context(), ev))
							time.Sleep(time.Second)
							synctest.Wait()
						}
						require.NotZero(t, e.Stats().Dropped[tt.cause])
						require.Equal(t, 1, e.Stats().Blocked)
						assert.Equal(t, 1, s.lists(), "the sink is still at its first event")

						s.goOn <- takes
						synctest.Wait()
						if takes == 0 {
							assert.Equal(t, 1, s.lists(), "and isn't ready for more")
							w.Ready()
							synctest.Wait()
						}
						assert.Equal(t, 2, s.lists())
						w.Listed(watch.List{Revision: 8})
						go func() { s.goOn <- 1 }()
						require.NoError(t, e.Publish(t.Context(),
							&notify.Event{Type: kind, Subject: subject, Revision: 9}))
						synctest.Wait()
						want := []string{"list 0", "1 to 1", "list 8", "9 to 9"}
						if takes == 0 {
							want = []string{"list 0", "list 8", "9 to 9"}
						}
						assert.Equal(t, want, s.log)
					})
				})
		}
	}
}
