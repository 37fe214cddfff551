"""Features of users and items at moments: made of what had happened before, and of nothing later."""
