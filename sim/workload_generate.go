package sim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/notifylab/notifylab/notify/registry"
)

// Generate makes the topology of a workload: a pure function of workload and seed. Every service
// has random streams of its own, so that what one draws moves nothing of another.
//
// Instances per service are log-normal (sigma 1) around the mean, at least one each, and add up
// exactly. In a mesh the in-degrees add up exactly to Services × MeanInDegree, and nobody depends
// on itself.
func Generate(w Workload, seed uint64) (*Topology, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	t := &Topology{Name: w.Name, Services: make([]ServiceSpec, 0, w.Services+1)}
	for i, n := range instanceCounts(w, seed) {
		t.Services = append(t.Services, ServiceSpec{
			Service:   generatedService(w.Name, "s", "service-", i),
			Instances: n,
		})
	}
	switch w.Shape {
	case ShapeMesh:
		t.Rules = meshRules(w, seed, t.Services)
	case ShapeOneConsumer:
		consumer := generatedService(w.Name, "c", "consumer-", 0)
		rule := DependencySpec{Consumer: consumer.Key}
		for _, s := range t.Services {
			rule.Providers = append(rule.Providers, anyVersion(s.Service.Key))
		}
		t.Services = append(t.Services, ServiceSpec{Service: consumer})
		t.Rules = []DependencySpec{rule}
	case ShapeEverything:
		consumer := generatedService(w.Name, "c", "consumer-", 0)
		all := registry.Key{Tenant: consumer.Tenant, Env: consumer.Env, Name: "*"}
		t.Services = append(t.Services, ServiceSpec{Service: consumer})
		t.Rules = []DependencySpec{{consumer.Key, []registry.Key{all}}}
	}
	return t, nil
}

func generatedService(app, idPrefix, namePrefix string, i int) registry.Service {
	number := strconv.Itoa(i)
	return registry.Service{
		ID: idPrefix + number,
		Key: registry.Key{Tenant: "default/default", Env: "production", App: app,
			Name: namePrefix + number, Version: "1.0.0"},
		Status: registry.StatusUp,
	}
}

// anyVersion is the rule that clients of service-center set by default.
func anyVersion(k registry.Key) registry.Key {
	k.Version = "0+"
	return k
}

// What a service draws, each from a stream of its own.
const (
	drawInstances = iota + 1
	drawRank
	drawConsumers
)

// serviceStream is the random stream of one service for one purpose. The parts are mixed because
// PCG streams from neighbouring states begin alike.
func serviceStream(seed, purpose uint64, service int) *rand.Rand {
	a := splitMix(seed + splitMix(purpose))
	return rand.New(rand.NewPCG(a, splitMix(a+uint64(service))))
}

// splitMix is the finaliser of SplitMix64: every bit of x moves every bit of the result.
func splitMix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// instanceCounts divides the instances log-normally. Only the proportions matter, so the mean of
// the distribution does not. Weights are rounded to integers: the last bit of math.Exp may differ
// from machine to machine.
func instanceCounts(w Workload, seed uint64) []int {
	const one = 1 << 20
	weights := make([]int64, w.Services)
	for i := range weights {
		z := serviceStream(seed, drawInstances, i).NormFloat64()
		weights[i] = max(1, int64(math.Round(math.Exp(z)*one)))
	}
	return apportion(w.Instances, weights, 1)
}

// inDegrees gives the in-degree of each rank, the most wanted first.
func inDegrees(w Workload) []int {
	const one = 1 << 30
	top := (w.Services + 3) / 4
	if w.MeanInDegree > top/2 {
		top = w.Services - 1
	}
	weights := make([]int64, w.Services)
	var sum int64
	for rank := range weights {
		weights[rank] = one / int64(rank+1)
		sum += weights[rank]
	}
	degrees := make([]int, 0, w.Services)
	left := int64(w.Services) * int64(w.MeanInDegree)
	for rank := 0; rank < w.Services && left*weights[rank] > int64(top)*sum; rank++ {
		degrees = append(degrees, top)
		left, sum = left-int64(top), sum-weights[rank]
	}
	return append(degrees, apportion(int(left), weights[len(degrees):], 0)...)
}

// meshRules draws who is how popular, and then who wants it.
func meshRules(w Workload, seed uint64, services []ServiceSpec) []DependencySpec {
	lots := make([]uint64, len(services))
	byRank := make([]int, len(services))
	for i := range services {
		lots[i], byRank[i] = serviceStream(seed, drawRank, i).Uint64(), i
	}
	slices.SortFunc(byRank, func(a, b int) int {
		return cmp.Or(cmp.Compare(lots[a], lots[b]), cmp.Compare(a, b))
	})
	degrees := make([]int, len(services))
	for rank, degree := range inDegrees(w) {
		degrees[byRank[rank]] = degree
	}
	wants := make([][]int32, len(services)) // of each consumer, its providers in ascending order
	drawnBy := make([]int, len(services))   // the last provider, plus one, that drew this consumer
	for p, degree := range degrees {
		rng := serviceStream(seed, drawConsumers, p)
		for drawnBy[p] = p + 1; degree > 0; {
			if c := rng.IntN(len(services)); drawnBy[c] != p+1 {
				drawnBy[c] = p + 1
				wants[c] = append(wants[c], int32(p))
				degree--
			}
		}
	}
	var rules []DependencySpec
	for c, providers := range wants {
		if len(providers) == 0 {
			continue
		}
		rule := DependencySpec{services[c].Service.Key, make([]registry.Key, len(providers))}
		for i, p := range providers {
			rule.Providers[i] = anyVersion(services[p].Service.Key)
		}
		rules = append(rules, rule)
	}
	return rules
}
