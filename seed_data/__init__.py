"""The seed catalogue, the sectors and themes it is listed under, and the demonstration played on it."""
