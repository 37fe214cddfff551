"""The process that keeps item histories: stream -> minutes -> hot cache, beside the trainer."""
