"""`run` and `stack-local`: processes that are started and watched on this machine."""
