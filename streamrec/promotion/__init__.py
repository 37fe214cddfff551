"""Champion and challenger: who trains what, and how they change places."""
