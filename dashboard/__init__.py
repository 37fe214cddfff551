"""The page: files for a browser, which talk to the recommender's HTTP API and to nothing else."""

PAGES = "dashboard.static"
"""Folder of the files, as `streamrec.web.static_files` takes it."""
