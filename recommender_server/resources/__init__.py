"""What the routes do, one module a topic: read the request, ask `streamrec.serving`, write the answer."""
