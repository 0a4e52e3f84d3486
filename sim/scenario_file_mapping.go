package sim

import "go.yaml.in/yaml/v3"

// resolved is what an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// setParts sets knobs from a mapping, and says which were named.
func setParts(n *yaml.Node, at string, parts map[string]value, ms *FileMistakes) map[string]bool {
	named := make(map[string]bool)
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, line := key.Value, value.Line
		k := parts[name]
		switch value = resolved(value); {
		case key.Kind != yaml.ScalarNode || k == nil:
			ms.add(key.Line, at, described(key), wantPart(parts))
		case named[name]:
			ms.add(key.Line, at+"."+name, described(value), "it once")
		case value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" ||
			!k.fits(value.ShortTag(), value.Value) || !k.set(value.Value):
			ms.add(line, at+"."+name, described(value), k.want())
		}
		named[name] = true
	}
	return named
}

func (st *Stage) setMapping(n *yaml.Node, at string, ms *FileMistakes) {
	parts := st.parts()
	if !setParts(n, at, parts, ms)["rate"] {
		ms.add(n.Line, at+".rate", "nothing", parts["rate"].want())
	}
}

// setMapping looks for the kind first: it says which knobs there are.
func (f *Fault) setMapping(n *yaml.Node, at string, ms *FileMistakes) {
	kind, line, got := "", n.Line, "nothing"
	for i := 0; i < len(n.Content); i += 2 {
		if value := n.Content[i+1]; n.Content[i].Value == "kind" {
			kind, line, got = resolved(value).Value, value.Line, described(resolved(value))
		}
	}
	if kindOf(kind) < 0 {
		ms.add(line, at+".kind", got, OneOf(kind, kindNames()))
		return
	}
	f.Kind = kind
	parts := map[string]value{"kind": (*label)(&f.Kind)}
	for _, k := range f.knobs() {
		if k.had {
			parts[k.name] = k.knob
		}
	}
	if k := f.zeroed(setParts(n, at, parts, ms)); k != nil {
		ms.add(n.Line, at+"."+k.name, k.knob.String(), wantNoZero)
	}
}

// setMapping is for what an objective of a stage is in YAML without quotes.
func (o *SLO) setMapping(n *yaml.Node, at string, ms *FileMistakes) {
	if len(n.Content) != 2 || resolved(n.Content[1]).Kind != yaml.ScalarNode {
		ms.add(n.Line, at, described(n), wantSLO)
		return
	}
	text := n.Content[0].Value + ": " + resolved(n.Content[1]).Value
	if err := o.UnmarshalText([]byte(text)); err != nil {
		got, want := complaint(err)
		ms.add(n.Line, at, got, want)
	}
}
