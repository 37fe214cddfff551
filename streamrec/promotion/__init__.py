"""Champion and challenger: the roles of trainers, and their exchange."""
