"""Plumbing every package stands on: settings, database, clock, errors, forms, mail. Knows nothing of regulations."""
