"""The faithful network: each operation in plain torch."""
