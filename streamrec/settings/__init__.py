"""Settings, read from the environment (prefix ``STREAMREC_``); only composition roots read them."""
