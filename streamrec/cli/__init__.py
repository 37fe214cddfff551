"""`python -m streamrec`: the tools, as a composition root of their own."""
