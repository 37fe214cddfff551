"""Composition roots of initial training, trainer and keeper of bars."""
