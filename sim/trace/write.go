package trace

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Writer writes a trace, each line with one Write.
type Writer struct{ to io.Writer }

// NewWriter writes a header. A zero Begin is left out.
func NewWriter(to io.Writer, h Header) (*Writer, error) {
	l := line{Schema: Schema, Source: h.Source}
	if !h.Begin.IsZero() {
		begin := h.Begin.UTC()
		l.Begin = &begin
	}
	w := &Writer{to}
	return w, w.write(&l)
}

// Write writes a change. What Read would refuse is an ErrTrace, and isn't written.
func (w *Writer) Write(c *Change) error {
	at := seconds(c.At)
	l := line{
		T: &at, Action: strings.ToLower(string(c.Action)),
		Service: c.Service.Name, Env: c.Service.Env, Version: c.Service.Version,
		Instance: c.Instance, Status: c.Status, Endpoints: c.Endpoints, Properties: c.Properties,
	}
	if _, err := l.change(); err != nil {
		return fmt.Errorf("%w: %w", ErrTrace, err)
	}
	return w.write(&l)
}

// Gap writes that nobody watched for a time that ends at at.
func (w *Writer) Gap(at, length time.Duration) error {
	t, gap := seconds(at), seconds(length)
	return w.write(&line{T: &t, Gap: &gap})
}

func (w *Writer) write(l *line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	if len(text) >= LineBytesMax {
		return fmt.Errorf("%w: a line of %d bytes: want less than %d", ErrTrace, len(text),
			LineBytesMax)
	}
	if _, err = w.to.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	return nil
}

// Stream is what a trace is written to, gzipped if its name ends in .gz.
type Stream struct {
	to  io.Writer
	zip *gzip.Writer // nil: as it is
}

// NewStream writes to a writer, and closes it if it can be closed.
func NewStream(to io.Writer, name string) *Stream {
	s := &Stream{to: to}
	if strings.HasSuffix(name, ".gz") {
		s.zip = gzip.NewWriter(to)
	}
	return s
}

// Create makes a file, or empties it, and writes to that.
func Create(path string) (*Stream, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return NewStream(file, path), nil
}

func (s *Stream) Write(p []byte) (int, error) {
	if s.zip != nil {
		return s.zip.Write(p)
	}
	return s.to.Write(p)
}

// Flush passes on what gzip still holds.
func (s *Stream) Flush() error {
	if s.zip != nil {
		return s.zip.Flush()
	}
	return nil
}

// Close writes gzip's end.
func (s *Stream) Close() (err error) {
	if s.zip != nil {
		err = s.zip.Close()
	}
	if c, ok := s.to.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	return err
}
