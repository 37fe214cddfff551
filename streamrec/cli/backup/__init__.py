"""`backup` and `restore`: everything that an installation holds, copied while it works, and put back."""
