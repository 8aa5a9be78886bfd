"""Finding regulations, decisions and comments by words. Documents are pushed to it: it knows no models."""
