"""The use cases, one file each: export, evaluate, predict, inspect, the demo. Commands and users call them."""
