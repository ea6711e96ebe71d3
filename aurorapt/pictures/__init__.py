"""Nights drawn."""
