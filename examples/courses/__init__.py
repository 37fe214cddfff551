"""A school of courses: which customers are like one, and what they watch."""
