"""Judgement of batch lists on a test part, which lies after all that models were trained on."""
