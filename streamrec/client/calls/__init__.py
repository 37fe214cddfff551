"""Requests to the recommender: a function for each operation of its OpenAPI document.

Each returns a `Call`, and sends nothing. `Client` and `AsyncClient` have a method of the same name and
parameters for each. A parameter that is not given is not sent: the server's default counts.
"""
