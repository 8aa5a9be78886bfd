"""People, organisations and departments, how they sign in, and what they may do. Imports audit and core."""
