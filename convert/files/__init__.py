"""Files that are read without trust: Keras's containers and numpy's."""
