"""What 30,000 comments say: points, campaigns, segments. Imports voting and below. Empty until grouping arrives."""
