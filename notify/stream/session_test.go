package stream_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestOrder_TheListComesFirst(t *testing.T) {
	r := newRig(t, stream.Config{}, watch.Config{})
	r.publish(2) // in the list
	step := r.next()
	assert.True(t, step.List)
	r.Listed(watch.List{Revision: 2, State: 2})
	r.publish(3)
	r.drain()
	assert.Equal(t, []string{"l2.0", "l2.1", "e3", "e4", "e5"}, r.got)
}

func TestOrder_AResyncStandsWhereItWasDelivered(t *testing.T) {
	backlog := notify.Backlog{Size: 1, Overflow: notify.DropNewest}
	r := newRig(t, stream.Config{Outbox: 2}, watch.Config{Resync: true, Backlog: backlog})
	r.begin(1)
	r.publish(4) // two in the outbox, one in the backlog, one lost
	step := r.drain()
	require.True(t, step.List, "%+v after %v", step, r.got)
	r.Listed(watch.List{Revision: 4, State: 1})
	r.publish(1)
	r.drain()
	assert.Equal(t, []string{"l0.0", "e1", "e2", "l4.0", "e5"}, r.got)
}

// TestSlow_AListTakesThePlaceOfTheOneBefore: or a client that stands still would gather lists.
func TestSlow_AListTakesThePlaceOfTheOneBefore(t *testing.T) {
	backlog := notify.Backlog{Size: 1, Overflow: notify.DropNewest}
	r := newRig(t, stream.Config{Outbox: 1}, watch.Config{Resync: true, Backlog: backlog})
	r.begin(1)
	for range 50 {
		r.publish(3)
		r.Listed(watch.List{Revision: r.rev, State: 1})
		r.settle()
	}
	r.drain()
	assert.Equal(t, []string{"l0.0", "e1", fmt.Sprintf("l%d.0", r.rev)}, r.got)
}

func TestSlow_TheRestWaitsInTheBacklog(t *testing.T) {
	r := newRig(t, stream.Config{Outbox: 4}, watch.Config{})
	r.begin(0)
	r.publish(20)
	assert.Equal(t, 4, r.Unsent())
	assert.EqualValues(t, 16, r.Stats().InFlight)

	step := r.next()
	r.settle()
	assert.Len(t, step.Frames, 4)
	assert.Equal(t, 8, r.Unsent(), "four are being written, four wait")
	r.drain()
	assert.Equal(t, numbered("e", 1, 20), r.got)
	assert.Zero(t, r.Unsent())
}

func TestSlow_ALongListIsWrittenInParts(t *testing.T) {
	r := newRig(t, stream.Config{Outbox: 4}, watch.Config{})
	r.begin(10)
	r.publish(1)
	for _, want := range []int{4, 4, 2, 1, 0} {
		assert.Len(t, r.next().Frames, want)
	}
	assert.Equal(t, joined(numbered("l0.", 0, 9), []string{"e1"}), r.got)
}

func TestEvents_WithoutAList(t *testing.T) {
	r := newBareRig(t)
	var err error
	c := &stream.Config{Encode: encode}
	r.Session, err = stream.Open(r.Engine, here, nil, &watch.Config{}, c, r.now)
	require.NoError(t, err)
	r.publish(2)
	r.drain()
	assert.Equal(t, []string{"e1", "e2"}, r.got)
}

func TestEncode_AnEmptyFrameIsNotSent(t *testing.T) {
	odd := func(ev *notify.Event) ([]byte, error) {
		if ev.Revision%2 == 0 {
			return nil, nil
		}
		return encode(ev)
	}
	r := newRig(t, stream.Config{Encode: odd, EncodeList: encodeList}, watch.Config{})
	r.begin(0)
	r.publish(1)
	r.drain()
	r.publish(1)
	assert.False(t, r.drain().Until.IsZero())
	assert.Zero(t, r.Unsent())
	r.publish(1)
	r.drain()
	assert.Equal(t, []string{"e1", "e3"}, r.got)
}

func TestWake_OnceForEachTimeThereIsNothing(t *testing.T) {
	r := newRig(t, stream.Config{}, watch.Config{})
	woken := 0
	r.Drive(func() { woken++ })
	r.begin(1)
	assert.Zero(t, woken, "the driver is not waiting")
	r.drain()
	r.publish(3)
	r.publish(3)
	assert.Equal(t, 1, woken)
	r.drain()
	r.End(stream.ErrLeft)
	assert.Equal(t, 2, woken)
	assert.ErrorIs(t, r.next().Err, stream.ErrLeft)
}

func TestEnd_NothingIsWrittenAfterTheDriversEnd(t *testing.T) {
	r := newRig(t, stream.Config{Outbox: 2}, watch.Config{})
	r.begin(0)
	r.publish(6)
	require.Len(t, r.next().Frames, 2)
	r.settle()
	r.End(stream.ErrLeft)
	r.End(stream.ErrTooBig)
	r.settle()
	for range 3 {
		step := r.next()
		assert.Equal(t, stream.Step{Err: stream.ErrLeft}, step)
	}
	assert.Equal(t, 4, r.Unsent(), "two were being written")
	assert.EqualValues(t, 2, r.Stats().DroppedTotal())
	assert.ErrorIs(t, r.Session.Err(), stream.ErrLeft)
}

func TestEnd_WhatWasTakenIsWrittenBeforeTheEnginesEnd(t *testing.T) {
	r := newRig(t, stream.Config{}, watch.Config{})
	r.begin(1)
	r.publish(3)
	r.Engine.Close()
	r.settle()
	assert.Nil(t, r.Session.Err())
	assert.ErrorIs(t, r.drain().Err, notify.ErrClosed)
	assert.Equal(t, []string{"l0.0", "e1", "e2", "e3"}, r.got)
	assert.ErrorIs(t, r.Session.Err(), notify.ErrClosed)
	assert.Zero(t, r.Unsent())
}

func TestEnd_ASlowClientIsToldSo(t *testing.T) {
	backlog := notify.Backlog{Size: 1, Overflow: notify.Evict}
	r := newRig(t, stream.Config{Outbox: 1}, watch.Config{Backlog: backlog})
	r.begin(0)
	r.publish(3)
	reason := r.drain().Err
	assert.ErrorIs(t, reason, notify.ErrSlow)
	assert.Equal(t, []string{"e1"}, r.got)
}

func TestEnd_AnEncoderThatFailsOrPanics(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name   string
		encode func(*notify.Event) ([]byte, error)
	}{
		{"fails", func(*notify.Event) ([]byte, error) { return nil, broken }},
		{"panics", func(*notify.Event) ([]byte, error) { panic(broken) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := stream.Config{Encode: test.encode, EncodeList: encodeList}
			r := newRig(t, c, watch.Config{})
			r.begin(0)
			r.publish(1)
			assert.ErrorIs(t, r.next().Err, broken)
			assert.Equal(t, 1, r.Unsent())
			r.settle()
			assert.Zero(t, r.Stats().Subscriptions)
		})
	}
}

func TestConfig_EveryMistakeIsReported(t *testing.T) {
	c := stream.Config{Heartbeat: -1, ReadTimeout: -1, WriteTimeout: -1, ReadLimit: -1, Outbox: -1}
	err := c.Validate()
	assert.ErrorIs(t, err, notify.ErrInvalid)
	for _, field := range []string{
		"Encode", "Heartbeat", "ReadTimeout", "WriteTimeout", "ReadLimit", "Outbox",
	} {
		assert.ErrorContains(t, err, field)
	}
	c = stream.Config{Encode: encode, OneWay: true, ReadTimeout: time.Minute}
	assert.ErrorContains(t, c.Validate(), "ReadTimeout = 1m0s: want 0 (none) with OneWay")
	_, err = stream.Open(newBareRig(t).Engine, here, nil, &watch.Config{}, &c, time.Time{})
	assert.ErrorIs(t, err, notify.ErrInvalid)

	nowhere := watch.At{Type: "NOTHING", Subject: "/", Group: "g"}
	good := &stream.Config{Encode: encode}
	_, err = stream.Open(newBareRig(t).Engine, nowhere, nil, &watch.Config{}, good, epoch)
	assert.ErrorIs(t, err, notify.ErrUnknownType)
}
