"""`export-user` and `erase`: what is held of one user, and that it is gone."""
