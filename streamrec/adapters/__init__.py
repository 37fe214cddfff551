"""The ports of `streamrec.ports` on real parts: files are named technology_role.py."""
