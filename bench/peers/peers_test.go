package peers_test

import (
	"testing"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
)

const (
	kind    = notify.Type("bench")
	subject = "bench" // the topic of what is for all
	queue   = 1024    // events that may wait for a subscriber, where an engine bounds that
)

// peer is one engine to measure.
type peer struct {
	name   string
	module string // in go.mod; "" if it is in this repository
	open   func(tb testing.TB, w world) engine
	// noUnicast is set where an engine can't address one of many groups by name.
	noUnicast bool
	note      string // what a reader of the figures should know
}

// peers lists them, the engines of this repository first.
func peers() []peer {
	return []peer{
		{
			name: "notifylab", open: openNotifylab,
			note: "this engine; the stuck one refuses, and drops its oldest",
		},
		{
			name: "notifylab-prompt", open: openPrompt,
			note: "this engine, subscribers that say that they can't block",
		},
		{
			name: "sc-1.x", open: openSC1,
			note: "a preset of this engine, without the poll every 500 ms",
		},
		{
			name: "sc-2.x", open: openSC2,
			note: "a preset of this engine, a goroutine per subscriber",
		},
		{
			name: "bus", module: "github.com/mustafaturan/bus/v3", open: openBus, noUnicast: true,
			note: "calls on the publisher's goroutine, no queue; 10 000 groups take minutes",
		},
		{
			name: "EventBus", module: "github.com/asaskevich/EventBus", open: openEventBus,
			note: "calls on the publisher's goroutine, no queue",
		},
		{
			name: "consul", module: "github.com/hashicorp/consul", open: openConsul,
			note: "its stream publisher; a shared list without a bound",
		},
		{
			name: "pubsub", module: "github.com/cskr/pubsub", open: openPubsub,
			note: "channels; waits for a full one",
		},
		{
			name: "kubernetes", module: "k8s.io/apimachinery", open: openKubernetes,
			noUnicast: true, note: "its watch broadcaster; leaves a full channel out",
		},
		{
			name: "nats", module: "github.com/nats-io/nats-server/v2", open: openNATS,
			note: "server and clients in one process; carries bytes",
		},
		{
			name: "etcd", module: "go.etcd.io/etcd/server/v3", open: openEtcd,
			note: "its watchable store, without fsync; carries bytes",
		},
		{
			name: "watermill", module: "github.com/ThreeDotsLabs/watermill", open: openWatermill,
			note: "Go channels; Publish waits for all, or order is lost; carries bytes",
		},
	}
}

// world is what an engine is opened for.
type world struct {
	*terms
	subs   []*subscriber
	topics []string // of each of them; all subscribers have the same one, or each its own
}

// terms are what the subscribers of a world have in common.
type terms struct {
	round   uint64 // events that each gets between two waits; 0: nobody waits for rounds
	all     *measure.Arrivals
	loop    *openLoop      // with mode=stuck
	finding *[]*subscriber // those that the step under way has come to; see findShards
}

// newWorld makes n subscribers, in groups of their own or all in one.
func newWorld(n int, unicast bool, round int, all *measure.Arrivals) world {
	w := world{terms: &terms{round: uint64(round), all: all}}
	if unicast {
		w.topics = measure.GroupNames(n)
	}
	subs := make([]subscriber, n)
	for i := range subs {
		subs[i] = subscriber{terms: w.terms, index: i}
		w.subs = append(w.subs, &subs[i])
		if !unicast {
			w.topics = append(w.topics, subject)
		}
	}
	return w
}

// onOneGoroutine says that all subscribers are called on the same goroutine.
func (w world) onOneGoroutine() {
	if w.round == 0 {
		return
	}
	n := len(w.subs) * int(w.round)
	t := &measure.Tally{All: w.all, Round: n, Left: n}
	for _, s := range w.subs {
		s.tally = t
	}
}

// engine is a peer that runs, with all its subscribers.
type engine struct {
	publish func(ev *notify.Event, topic string)
	close   func() // returns after the last goroutine did
	release func() // the stuck one can take events again; nil: nothing has to be said
}

// subscriber is the end of an engine's way. One goroutine at a time may use it. It is small, for
// with 10 000 of them it is memory that a delivery costs.
type subscriber struct {
	to    measure.Receiver
	tally *measure.Tally // of its goroutine, if that is known
	*terms
	index int
}

// take makes a delivery.
func (s *subscriber) take(ev *notify.Event) {
	if s.tally != nil {
		s.to.Take(ev)
		s.tally.Add(1)
		return
	}
	if s.loop != nil {
		s.loop.take(s, ev)
		return
	}
	s.to.Take(ev)
	if s.round != 0 && s.to.Count%s.round == 0 {
		s.all.Add(int(s.round))
	}
}
