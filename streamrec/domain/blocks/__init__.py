"""Memory of what each row has another length of: short columns of numbers, and ids."""
