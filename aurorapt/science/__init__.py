"""What results say: tables, comparison, smoothing, events and summaries."""
