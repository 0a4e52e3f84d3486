package sim

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/registry"
)

// openFinds makes the hub, and what each group will ask it. The run begins amid the consumers'
// lives: they all have the answers of the pull before. One per group is found for that, and isn't
// counted.
func (st *stage) openFinds() (err error) {
	st.edited = st.s.edits()
	st.hub, err = registry.NewHub(st.world.Registry, st.engine, registry.HubConfig{
		Clock: stageClock{clock.Real{}, st},
	})
	if err != nil {
		return err
	}
	ask := questioner{st.world.Registry, make(map[registry.Key]*question)}
	var found []registry.Answer
	for _, g := range st.world.Groups {
		pulls := &st.truth.groups[g.ServiceID].pulls
		if pulls.questions, err = ask.of(g.ServiceID); err != nil {
			return err
		}
		pulls.got = make([][]dated, len(pulls.questions))
		if found, err = st.find(st.truth.groups[g.ServiceID], 0, found[:0]); err != nil {
			return err
		}
		pulls.keep(cut{}, found, -pullShared) // too long ago to be shared
	}
	st.asked = st.hub.Stats()
	return nil
}

// stageClock gives the hub the time of the run. Its timers are the system's, but only leases need
// them, and no run keeps any.
type stageClock struct {
	clock.Clock
	st *stage
}

func (c stageClock) Now() time.Time { return c.st.truth.epoch.Add(time.Duration(c.st.now())) }

// pullShared is for how long the answers that one consumer got are good for the others of its
// group, if nothing of what they ask for changes meanwhile. A million consumers would ask for more
// than a machine can answer beside the run: where pulls are late they share, and count as such.
const (
	pullShared = int64(time.Second)
	pullLate   = int64(10 * time.Millisecond)
)

// joinPull gives a consumer the answers that another one of its group got a moment ago, provided
// that the registry would give the very same. It reports whether that is so.
func (ln *lane) joinPull(c *consumer) bool {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	log, now := c.view.log, ln.stage.now()
	revision, at := ln.stage.truth.cut(log)
	version, ok := log.pulls.current(at, now)
	if !ok {
		return false
	}
	ln.rec.shared++
	ln.accept(c, version, revision, at.position)
	return true
}

// pullTries is how often a pull is tried without stopping the world. What consumers ask for takes
// microseconds, but milliseconds where a provider has 100 000 instances.
const pullTries = 3

// pull has a consumer ask all its questions and makes the answers its view. They have to be those
// of one position in its log: if that has moved meanwhile it asks again, and at last holds up the
// truth, and events to the lane, while it does. The lane's goroutine calls it, without the lock:
// so nobody dies meanwhile.
func (ln *lane) pull(c *consumer) {
	t, log := ln.stage.truth, c.view.log
	var wrong error
	for range pullTries {
		revision, at := t.cut(log)
		ln.found, wrong = ln.stage.find(log, c.pulled, ln.found[:0])
		ln.mu.Lock()
		if _, now := t.cut(log); now == at {
			ln.pulled(c, revision, at, wrong)
			ln.mu.Unlock()
			return
		}
		ln.mu.Unlock()
	}
	ln.mu.Lock()
	defer ln.mu.Unlock()
	t.mu.Lock()
	revision, at := t.cutLocked(log)
	ln.found, wrong = ln.stage.find(log, c.pulled, ln.found[:0])
	t.mu.Unlock()
	ln.pulled(c, revision, at, wrong)
}

// find asks what a consumer asks that has these versions of the answers, and appends what it gets.
// An error means that an answer is wrong, unless the truth has changed meanwhile.
func (st *stage) find(log *groupLog, version int32, found []registry.Answer) (
	_ []registry.Answer, wrong error) {
	for i, q := range log.pulls.questions {
		if st.edited && !st.world.Registry.Depends(log.id, q.provider) {
			found = append(found, registry.Answer{}) // it doesn't ask for that now
			continue
		}
		a, err := st.hub.Find(registry.Query{
			ConsumerID: log.id, Provider: q.provider, Rule: q.rule,
			Revision: log.pulls.revision(i, version),
		})
		if err != nil || !a.NotModified || st.edited {
			err = st.verify(q, log.id, &a, err)
		}
		if err != nil && wrong == nil {
			wrong = err
		}
		found = append(found, a)
	}
	return found, wrong
}

// verify holds an answer to a question, or the error instead of one, against the truth. That the
// registry knows no such service is the right answer to one who may see none.
func (st *stage) verify(q *question, consumer string, a *registry.Answer, err error) error {
	want, seen := q.count(st.world.Registry, consumer, st.edited)
	switch {
	case !seen && errors.Is(err, registry.ErrUnknownService):
		return nil
	case err != nil:
		return err
	case !seen:
		return fmt.Errorf("an answer about %s, which it may not see", q.provider)
	case !a.NotModified && len(a.Instances) != want:
		return fmt.Errorf("%d instances of %s, there are %d", len(a.Instances), q.provider, want)
	}
	return nil
}

// pulled makes what was found, at that cut and revision, what c knows, with the lock held.
func (ln *lane) pulled(c *consumer, revision int64, at cut, wrong error) {
	log := c.view.log
	version, same := log.pulls.keep(at, ln.found, ln.stage.now())
	if wrong == nil && !same {
		wrong = fmt.Errorf("two answers at position %d of its log", at.position)
	}
	if wrong != nil {
		ln.stage.checks.fail(checkPull, "consumer of %s got %v", log.id, wrong)
	}
	ln.accept(c, version, revision, at.position)
}

// accept makes a version of the answers, which is from that position and revision, what c knows.
func (ln *lane) accept(c *consumer, version int32, revision int64, position int) {
	c.pulled = version
	c.record(c.view.reset(revision, position, ln.stage.now()))
	ln.rec.pulls++
}

// pullLog is what the consumers of one group ask and got. All that one of them got by a pull is a
// version, so that it remembers it by one number. The first is 1.
type pullLog struct {
	questions []*question // fixed before the first pull

	mu      sync.Mutex
	version int32
	at      cut       // at which the version was found
	found   int64     // when the answers of the version were found last
	got     [][]dated // by question: the revisions of its answers, the last of which is current
	old     int       // revisions that aren't

	needed int32 // trim's: the lowest version that a consumer has
}

// dated is the revision that an answer has had since a version.
type dated struct {
	since    int32
	revision string
}

// revision is that of the answer to question i in a version; "" in version 0, which nobody got.
func (p *pullLog) revision(i int, version int32) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got[i]
	for n := len(got) - 1; n >= 0; n-- {
		if got[n].since <= version {
			return got[n].revision
		}
	}
	return ""
}

// current is the current version, if its answers were found at this cut, a moment ago.
func (p *pullLog) current(at cut, now int64) (version int32, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ok = p.version > 0 && p.at == at && now-p.found < pullShared
	return p.version, ok
}

// keep gives the version of these answers, which were found at a cut, by then. If that is where the
// current version is from they should be the same.
func (p *pullLog) keep(at cut, found []registry.Answer, now int64) (
	version int32, same bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.version
	for i := range found {
		last := len(p.got[i]) - 1
		if last >= 0 && p.got[i][last].revision == found[i].Revision {
			continue
		}
		next = p.version + 1
		p.got[i] = append(p.got[i], dated{next, found[i].Revision})
		if last >= 0 {
			p.old++
		}
	}
	same = p.version == 0 || p.version == next || p.at != at
	p.version, p.at, p.found = next, at, now
	return next, same
}

func (p *pullLog) beginTrim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.needed = p.version
}

// hold keeps what a consumer needs that got this version.
func (p *pullLog) hold(version int32) {
	if version > 0 {
		p.needed = min(p.needed, version)
	}
}

// trim forgets the answers that nobody has any more.
func (p *pullLog) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.old == 0 {
		return
	}
	p.old = 0
	for i, got := range p.got {
		n := 0
		for n+1 < len(got) && got[n+1].since <= p.needed {
			n++
		}
		if n > 0 {
			p.got[i] = append([]dated(nil), got[n:]...)
		}
		p.old += len(got) - n - min(len(got), 1)
	}
}
