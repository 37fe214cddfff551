"""Own files: uploaded, looked at and trained on by who may change the whole."""
