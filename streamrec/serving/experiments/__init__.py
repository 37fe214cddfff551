"""Live experiments: which run, what their variants answer, and the record of what was shown."""
