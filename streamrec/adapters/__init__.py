"""The ports of `streamrec.ports` on real parts: a folder for each technology, picked by URL in `opening`."""
