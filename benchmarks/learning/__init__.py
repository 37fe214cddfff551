"""Learning: speed, stability, co-visitation."""
