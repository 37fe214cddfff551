"""The batch models, behind one interface."""
