"""Finding regulations, decisions and comments by words. The indexes know no models; follower.py fills them."""
