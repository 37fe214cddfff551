"""Items by what is known of them: a table of them all, kept beside the answers."""
