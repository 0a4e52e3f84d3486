package sim

// Apportion is the rule behind every share, tested on its own.
var Apportion = apportion
