"""The offline laboratory: models fitted on a whole history, beside the ones that learn as they serve."""
