"""Settings of our processes, and of the experiment, in which all goes on quickly."""

LEASE_S = 1.5

SETTLE_S = 1.0

SETTINGS = {
    "STREAMREC_LEARNING_EMBEDDING_DIM": "8",
    "STREAMREC_TRAINER_LEASE_DURATION_S": str(LEASE_S),
    "STREAMREC_TRAINER_STATUS_INTERVAL_S": "0.2",
    "STREAMREC_TRAINER_CHECKPOINT_INTERVAL_S": "0.5",
    "STREAMREC_TRAINER_USER_PUBLISH_INTERVAL_S": "0.3",
    "STREAMREC_TRAINER_LOOK_UPS_PER_S": "0",
    "STREAMREC_HISTORY_LEASE_DURATION_S": str(LEASE_S),
    "STREAMREC_HISTORY_CHECKPOINT_INTERVAL_S": "0.5",
    "STREAMREC_HISTORY_PUBLISH_INTERVAL_S": "0.2",
    "STREAMREC_HISTORY_REFRESH_INTERVAL_S": "5",
    "STREAMREC_ATTRIBUTION_LEASE_DURATION_S": str(LEASE_S),
    "STREAMREC_ATTRIBUTION_CHECKPOINT_INTERVAL_S": "0.5",
    "STREAMREC_ATTRIBUTION_RESULTS_INTERVAL_S": "0.3",
    "STREAMREC_ATTRIBUTION_SETTLE_S": str(SETTLE_S),
    "STREAMREC_ATTRIBUTION_CLICK_TYPES": '["click"]',
    "STREAMREC_SERVER_EXPLORATION_SHARE": "0",
    "STREAMREC_SERVER_MAX_UPLOAD_BYTES": "0",
}

EXPERIMENT = {
    "variants": [{"name": "a"}, {"name": "b"}],
    "control": "a",
    "primary": "ctr",
    "state": "running",
    "window_s": 6 * 3600.0,
    "outcome_s": 6 * 3600.0,
}
"""Of every history; its times are longer than the jumps of all clocks."""
