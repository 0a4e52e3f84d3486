package trace

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// byteOrderMark is what some editors begin a file of UTF-8 with.
const byteOrderMark = "\ufeff"

// Read reads a trace, gzipped or not, whatever its name, which only the errors use.
func Read(name string, r io.Reader) (*Trace, error) {
	in := bufio.NewReader(r)
	var text io.Reader = in
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w: want gzip, or text", ErrTrace, name, err)
		}
		text = unzipped
	}
	unmarked := bufio.NewReader(text)
	if mark, _ := unmarked.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = unmarked.Discard(len(byteOrderMark))
	}
	d := reader{name: name, trace: &Trace{}, texts: make(map[string]string)}
	lines := bufio.NewScanner(unmarked)
	lines.Buffer(nil, LineBytesMax)
	for lines.Scan() {
		if d.line++; d.line > LinesMax {
			return nil, d.fail("want at most %d lines", LinesMax)
		}
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := d.take(lines.Bytes()); err != nil {
			if cause := lines.Err(); cause != nil { // which cut this line off
				return nil, d.broken(cause)
			}
			return nil, d.fail("%w", err)
		}
	}
	if err := lines.Err(); err != nil {
		d.line++
		return nil, d.broken(err)
	}
	slices.SortStableFunc(d.trace.Changes, func(a, b Change) int { return cmp.Compare(a.At, b.At) })
	return d.trace, nil
}

// reader puts a trace together.
type reader struct {
	name  string
	line  int
	begun bool // by a header or a line
	trace *Trace
	texts map[string]string // names that come again and again, each kept once
}

// textsMax bounds what is remembered: a trace may have a new instance in each line.
const textsMax = 1 << 16

func (d *reader) fail(format string, args ...any) error {
	return fmt.Errorf("%w: %s:%d: "+format, append([]any{ErrTrace, d.name, d.line}, args...)...)
}

// broken says what ended a file before its time.
func (d *reader) broken(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return d.fail("want lines of less than %d bytes", LineBytesMax)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return d.fail("the file is cut off: want all of it")
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader),
		errors.As(err, &corrupt):
		return d.fail("%w: want a file that gzip can read", err)
	}
	return fmt.Errorf("trace: reading %s: %w", d.name, err)
}

// take reads one line.
func (d *reader) take(text []byte) error {
	l, err := parseLine(text)
	if err != nil {
		return err
	}
	if l.Schema != "" {
		return d.header(&l)
	}
	at, err := d.at(&l)
	if err != nil {
		return err
	}
	if l.Gap != nil {
		d.trace.Gaps = append(d.trace.Gaps, Gap{at, time.Duration(*l.Gap)})
		return nil
	}
	c, err := l.change()
	if err != nil {
		return err
	}
	c.At = at
	for _, s := range []*string{&c.Service.Name, &c.Service.Env, &c.Service.Version, &c.Instance} {
		*s = d.text(*s)
	}
	d.trace.Changes = append(d.trace.Changes, c)
	return nil
}

func (d *reader) header(l *line) error {
	number, ours := strings.CutPrefix(l.Schema, strings.TrimSuffix(Schema, "1"))
	n, err := strconv.Atoi(number)
	switch {
	case d.begun || len(d.trace.Changes)+len(d.trace.Gaps) > 0:
		return errors.New("schema: want one header, in the first line")
	case ours && err == nil && n > 1:
		return fmt.Errorf("schema %q: want %s; a newer program wrote this", l.Schema, Schema)
	case l.Schema != Schema:
		return fmt.Errorf("schema %s: want %q", shortened(strconv.Quote(l.Schema)), Schema)
	}
	d.trace.Source = l.Source
	if l.Begin == nil {
		return nil
	}
	return d.begin(*l.Begin)
}

// begin takes the begin. Years that RFC 3339 has no room for in every zone aren't any trace's.
func (d *reader) begin(at time.Time) error {
	if y := at.Year(); y < 1000 || y > 9000 {
		return fmt.Errorf("begin %q: want %s", at.Format(time.RFC3339), wantTime)
	}
	d.begun, d.trace.Begin = true, at.UTC()
	return nil
}

// at is when a line happened, since the begin.
func (d *reader) at(l *line) (time.Duration, error) {
	switch {
	case l.T != nil && l.Time == nil:
		return time.Duration(*l.T), nil
	case l.T != nil:
		return 0, errors.New("t, time: want one of them")
	case l.Time == nil:
		return 0, errors.New("t: missing: want " + wantSeconds + ", or a time")
	}
	if !d.begun {
		if err := d.begin(*l.Time); err != nil {
			return 0, err
		}
	}
	at := l.Time.Sub(d.trace.Begin)
	if at < 0 || at > secondsMax*time.Second {
		return 0, fmt.Errorf("time %q: want one from the begin, %q, to 1e9 s later",
			l.Time.Format(time.RFC3339Nano), d.trace.Begin.Format(time.RFC3339Nano))
	}
	return at, nil
}

// text gives the one copy of a text.
func (d *reader) text(s string) string {
	if known, ok := d.texts[s]; ok {
		return known
	}
	if len(d.texts) < textsMax {
		d.texts[s] = s
	}
	return s
}
