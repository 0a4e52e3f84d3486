package sim

import (
	"fmt"
	"strings"
)

// Workload is a world to generate, by its figures. Those built in are sized after published ones.
type Workload struct {
	Name         string
	Description  string // one line: what it stands for
	Shape        Shape
	Services     int // provider services; a shape may add a consuming one
	Instances    int // of all provider services together
	Consumers    int // watchers, unless a scenario says otherwise
	MeanInDegree int // consuming services per provider service
}

// Shape says who depends on whom.
type Shape string

// The shapes.
const (
	// ShapeMesh: every service may consume every other. In-degrees are Zipf (exponent 1) around
	// the mean, but nobody is wanted by more than a quarter of all: the figure of train-ticket,
	// whose most wanted services serve 11 of 42. Where the mean leaves no room for that, it is
	// all others. Who the consumers are is uniform.
	ShapeMesh Shape = "mesh"
	// ShapeOneConsumer: a single consuming service, without instances, names every provider.
	ShapeOneConsumer Shape = "one-consumer"
	// ShapeEverything: a single consuming service, without instances, has one "*" rule.
	ShapeEverything Shape = "everything"
)

// Workloads gives the built-in ones, smallest first, then the special cases.
func Workloads() []Workload {
	return []Workload{
		{"small", "one product team", ShapeMesh, 100, 2_800, 2_000, 6},
		{"medium", "a company; a change reaches 560 watchers on average",
			ShapeMesh, 1_000, 28_000, 10_000, 56},
		{"large", "a large platform", ShapeMesh, 10_000, 280_000, 100_000, 56},
		{"planet", "Alibaba's published size", ShapeMesh, 67_760, 1_866_091, 1_000_000, 8},
		{"consul-10k", "one change, every node told: Consul's global scale benchmark",
			ShapeOneConsumer, 1, 172_000, 10_000, 1},
		{"k8s-5k", "endpoint watch on every node, at the limits of Kubernetes",
			ShapeEverything, 10_000, 150_000, 5_000, 1},
		{"hot-subject", "the endpoint-slice worst case: one service, everybody wants it",
			ShapeOneConsumer, 1, 5_000, 3_000, 1},
	}
}

// FindWorkload gives the built-in workload of that name.
func FindWorkload(name string) (Workload, error) {
	var names []string
	for _, w := range Workloads() {
		if w.Name == name {
			return w, nil
		}
		names = append(names, w.Name)
	}
	return Workload{}, fmt.Errorf("%w: Name %q: want one of %s", ErrWorkload, name,
		strings.Join(names, ", "))
}

// edgesMax keeps a slip of the keyboard from filling the memory.
const edgesMax = 1 << 28

// Validate says what Generate can't do, the first of it.
func (w Workload) Validate() error {
	fail := func(field string, got any, form string, args ...any) error {
		return fmt.Errorf("%w: %s %v: want %s", ErrWorkload, field, got, fmt.Sprintf(form, args...))
	}
	switch {
	case w.Shape != ShapeMesh && w.Shape != ShapeOneConsumer && w.Shape != ShapeEverything:
		return fail("Shape", fmt.Sprintf("%q", w.Shape), "%s, %s or %s",
			ShapeMesh, ShapeOneConsumer, ShapeEverything)
	case w.Services < 1 || w.Services > instancesMax:
		return fail("Services", w.Services, "1 to %d", instancesMax)
	case w.Instances < w.Services || w.Instances > instancesMax:
		return fail("Instances", w.Instances, "%d (one per service) to %d",
			w.Services, instancesMax)
	case w.Consumers < 0:
		return fail("Consumers", w.Consumers, "0 or more")
	case w.Shape != ShapeMesh && w.MeanInDegree != 1:
		return fail("MeanInDegree", w.MeanInDegree, "1, as follows from shape %s", w.Shape)
	case w.MeanInDegree < 0 || w.Shape == ShapeMesh && w.MeanInDegree > w.Services-1:
		return fail("MeanInDegree", w.MeanInDegree, "0 to %d (all other services)", w.Services-1)
	case w.MeanInDegree*w.Services > edgesMax:
		return fail("MeanInDegree", w.MeanInDegree, "at most %d dependencies in all", edgesMax)
	}
	return nil
}
