"""The public record: entries, their sequence, the guard against silent change, and followers. Imports core alone."""
