"""Coverage-guided fuzzing: one target per parser. `make fuzz` runs each for a bounded time."""
