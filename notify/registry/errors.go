package registry

import (
	"errors"
	"fmt"
)

// What a method returns wraps one of these and names the field and what it accepts.
var (
	// ErrInvalid: a field is missing or malformed.
	ErrInvalid = errors.New("registry: invalid")
	// ErrUnknownService: no service has this id, or none that Find may give this key and version.
	ErrUnknownService = errors.New("registry: unknown service")
	// ErrUnknownInstance: the service has no instance of this id.
	ErrUnknownInstance = errors.New("registry: unknown instance")
	// ErrConflict: the id belongs to a service of another key, or the key to another id.
	ErrConflict = errors.New("registry: conflict")
	// ErrLimit: there would be more than the registry keeps.
	ErrLimit = errors.New("registry: limit")
)

// invalid is an ErrInvalid that says which field, what was found there, and what is accepted.
func invalid(field, got, want string) error {
	return fmt.Errorf("%w: %s %q: want %s", ErrInvalid, field, got, want)
}

func unknownService(id string) error {
	return fmt.Errorf("%w: ServiceID %q: want the id of a registered service",
		ErrUnknownService, id)
}

func unknownInstance(serviceID, id string) error {
	return fmt.Errorf("%w: InstanceID %q: want the id of an instance of service %q",
		ErrUnknownInstance, id, serviceID)
}

func unknownProvider(family Key, rule Rule) error {
	return fmt.Errorf("%w: Key %s%s: want a registered service with such a version",
		ErrUnknownService, family, rule)
}
