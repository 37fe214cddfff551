"""Files of people's own: options, `streamrec.toml`, and `init`, which writes it."""
