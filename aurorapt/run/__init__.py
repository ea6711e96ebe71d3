"""The run: archive, loader, classifier and results, one camera-night after another."""
