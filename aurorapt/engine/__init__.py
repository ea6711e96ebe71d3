"""The network made fast on a CPU."""
