"""The archive: camera-nights, minute files, frames with their times."""
