package sim

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/notifylab/notifylab/notify"
)

// CostModel is what a shard's work takes, in ns per unit. Under the virtual clock it is what makes
// shards servers with a queue in front of them.
type CostModel struct {
	Machine string  `json:"machine"`    // where it was measured
	Route   float64 `json:"route_ns"`   // an event taken from the task queue and looked up
	Deliver float64 `json:"deliver_ns"` // a delivery that was taken
	Queue   float64 `json:"queue_ns"`   // a delivery put into a mailbox
	Wake    float64 `json:"wake_ns"`    // from idle to work
	Encode  float64 `json:"encode_ns"`  // a frame encoded
	Write   float64 `json:"write_ns"`   // a frame written
}

// costMax is a second: far more than any unit takes, and so little that no step's time overflows.
const costMax = 1e9

// ErrCost is what a cost model that can't be used wraps.
var ErrCost = errors.New("sim: unusable cost model")

//go:embed cost.json
var defaultCost []byte

// DefaultCost is the calibration that is kept with the source; its Machine says where it is from.
func DefaultCost() CostModel {
	c, err := ReadCost(bytes.NewReader(defaultCost))
	if err != nil {
		panic(err) // a test reads it
	}
	return c
}

// ZeroCost is that of a machine without limits: what remains is the policy.
func ZeroCost() CostModel { return CostModel{Machine: "none: everything but waiting is free"} }

// ReadCost reads a model as JSON. Every field must be there; the errors wrap ErrCost and name the
// fields.
func ReadCost(r io.Reader) (CostModel, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return CostModel{}, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var c CostModel
	if err := dec.Decode(&c); err != nil {
		return CostModel{}, fmt.Errorf("%w: want one JSON object: %w", ErrCost, err)
	}
	var given map[string]any
	if err := json.Unmarshal(data, &given); err != nil {
		return CostModel{}, fmt.Errorf("%w: want one JSON object: %w", ErrCost, err)
	}
	var errs []error
	if c.Machine == "" {
		errs = append(errs, fmt.Errorf("%w: machine is missing: want where it was measured",
			ErrCost))
	}
	for _, f := range c.fields() {
		if given[f.name] == nil { // a null is none, too
			errs = append(errs, fmt.Errorf("%w: %s is missing: want ns, 0 to %g",
				ErrCost, f.name, costMax))
		} else if f.ns < 0 || f.ns > costMax {
			errs = append(errs, fmt.Errorf("%w: %s = %g: want ns, 0 to %g",
				ErrCost, f.name, f.ns, costMax))
		}
	}
	return c, errors.Join(errs...)
}

type costField struct {
	name string
	ns   float64
}

func (c *CostModel) fields() []costField {
	return []costField{
		{"route_ns", c.Route}, {"deliver_ns", c.Deliver}, {"queue_ns", c.Queue},
		{"wake_ns", c.Wake}, {"encode_ns", c.Encode}, {"write_ns", c.Write},
	}
}

// of is what a step took, apart from waking up. The conversions keep compilers from fusing a
// multiplication with an addition, which would round differently from one architecture to another.
func (c *CostModel) of(w *notify.Work) float64 {
	return float64(float64(w.Routed)*c.Route) + float64(float64(w.Delivered)*c.Deliver) +
		float64(float64(w.Queued)*c.Queue)
}
