"""Commands that the recommender starts for the files which people upload on its page."""
