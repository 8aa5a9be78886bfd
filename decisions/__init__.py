"""What officials decided, on which evidence, and who approved it. Imports voting and below."""
