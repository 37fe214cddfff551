"""State of the trainer as others see it: its report of now, and a bounded series of what its figures were."""
