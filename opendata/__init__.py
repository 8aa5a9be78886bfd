"""The same rows as JSON, CSV and Atom, under the same addresses. Nothing below knows of it."""
