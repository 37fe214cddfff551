"""The recommender over the trainer's own state: live evaluation, and the blend's teacher."""
