"""What is converted: model, class names, elevation map, and where the published ones come from."""
