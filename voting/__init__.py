"""Ballots, votes, reasons, supports, tallies and moderation. Imports regulations and below."""
