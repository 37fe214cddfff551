"""Answers of the recommender.

They say what the OpenAPI document says, which a test compares. Two things are wider on purpose, so that this
client goes on with a server that is newer: fields that it does not know are passed over, and a word out of a
list that may grow (`source`, `status`, a reason) is any text.
"""
