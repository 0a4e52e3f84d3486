package rest

import (
	"maps"
	"strings"

	"github.com/notifylab/notifylab/notify/registry"
)

const (
	tagsForm = `{"tags":{"name":"value",…}}`

	tagsMax = 100 // of a service, as in service-center
)

// tags answers {"tags":{…}}. The object is never null, as no list is.
func (c *call) tags(s *registry.Service) (any, error) {
	tags := c.hub.Registry().Tags(s.ID)
	if tags == nil {
		tags = map[string]string{}
	}
	return map[string]map[string]string{"tags": tags}, nil
}

// changeTags makes new tags out of those that the service of the path has. The registry tells the
// consumer that what it may see has changed.
func (c *call) changeTags(edit func(tags map[string]string) error) error {
	return c.changeNamed(func(r *registry.Registry, s *registry.Service) (changeList, error) {
		tags := maps.Clone(r.Tags(s.ID))
		if tags == nil {
			tags = map[string]string{}
		}
		if err := edit(tags); err != nil {
			return nil, err
		}
		if len(tags) > tagsMax {
			return nil, fail(CodeNotEnoughQuota, "tags: want at most %d of a service", tagsMax)
		}
		return r.SetTags(s.ID, tags)
	})
}

// decodeTags reads tagsForm. Names become parts of paths, so they are as restricted as ids.
func (c *call) decodeTags() (map[string]string, error) {
	var body struct {
		Tags map[string]string `json:"tags"`
	}
	if err := c.decode(&body, tagsForm); err != nil {
		return nil, err
	}
	if body.Tags == nil {
		return nil, fail(CodeInvalid, "tags: missing: want %s", tagsForm)
	}
	for name := range body.Tags {
		if err := checkID("tags", name); err != nil {
			return nil, err
		}
	}
	return body.Tags, nil
}

// addTags adds tags, or replaces those of the same names. What isn't named stays.
func (c *call) addTags() (any, error) {
	added, err := c.decodeTags()
	if err != nil {
		return nil, err
	}
	return nil, c.changeTags(func(tags map[string]string) error {
		maps.Copy(tags, added)
		return nil
	})
}

// putTags replaces all. It is not in service-center, where tags can only be added and removed one
// by one.
func (c *call) putTags() (any, error) {
	wanted, err := c.decodeTags()
	if err != nil {
		return nil, err
	}
	return nil, c.changeTags(func(tags map[string]string) error {
		clear(tags)
		maps.Copy(tags, wanted)
		return nil
	})
}

// putTag changes the value of one that is there.
func (c *call) putTag() (any, error) {
	return nil, c.changeTags(func(tags map[string]string) error {
		name := c.r.PathValue("key")
		if _, ok := tags[name]; !ok {
			return noTag(name)
		}
		tags[name] = c.query.Get("value")
		return nil
	})
}

// deleteTags takes names with commas between.
func (c *call) deleteTags() (any, error) {
	return nil, c.changeTags(func(tags map[string]string) error {
		for _, name := range strings.Split(c.r.PathValue("key"), ",") {
			if _, ok := tags[name]; !ok {
				return noTag(name)
			}
			delete(tags, name)
		}
		return nil
	})
}

// noTag is for whoever means one that isn't there: to make it would hide a wrong name.
func noTag(name string) error {
	return fail(CodeNoTag, "key %q: want the name of a tag of the service", shorten(name))
}
