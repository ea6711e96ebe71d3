"""A simulated THEMIS all-sky camera: what its sky shows, its optics and its sensor."""
