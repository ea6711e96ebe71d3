"""A tree of results as one page: collected night by night, made compact, and laid into a template."""
