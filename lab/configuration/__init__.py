"""The typed configuration of the laboratory's steps, `lab.toml`."""
