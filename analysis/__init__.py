"""What 30,000 comments say: points, what stands under them, and what came by other ways. Imports voting and below."""
