"""Routes, one module a topic: read the request, ask `streamrec.serving`, write the answer."""
