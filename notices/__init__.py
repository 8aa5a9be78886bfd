"""Who hears what, and when: a follower of the record that writes to the outbox. Nothing below knows of it."""
