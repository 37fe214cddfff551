"""Rules about users: profiles, labels, and how much one of them counts."""
