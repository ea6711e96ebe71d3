"""The machine: locks, signals, time limits, memory, processors, whole files."""
