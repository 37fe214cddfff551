"""Steps of the laboratory: each makes one folder out of others, by one command."""
