"""Minute files read and preprocessed in worker processes."""
