"""Memory of many short columns of numbers, each in a block that is about as long as it needs."""
