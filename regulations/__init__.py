"""Themes with their windows, and the regulations listed under them. Imports accounts and below."""
