"""Raw counts to network input."""
