"""The use cases, one file each: export, evaluate, predict, inspect, sweeps, the demo. Commands and users call them."""
