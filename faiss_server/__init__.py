"""The index service: item vectors from a snapshot and the changelog, searched over HTTP."""
