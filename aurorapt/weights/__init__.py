"""The weights file, and the graph of a network."""
