"""Models of other libraries and of papers, asked what ours are asked."""
