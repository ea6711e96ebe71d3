"""Find pulsating aurora in THEMIS all-sky camera archives."""

__version__ = "0.1.0"
