"""What can go wrong, said in the language of the product. No Flask here."""


class RuleBroken(Exception):
    """A domain rule said no. The message is shown to the person as it stands."""

    def __init__(self, message: str, field: str | None = None):
        super().__init__(message)
        self.message = message
        self.field = field


class NotAllowed(RuleBroken):
    """This person may not do this at all."""


class NotFound(RuleBroken):
    """There is no such thing here."""


class Gone(RuleBroken):
    """There was such a thing, and it has been used up or taken away."""


class Clash(RuleBroken):
    """Two people, or two clicks, reached for the same thing at once."""


class TooOften(RuleBroken):
    """Asked too many times in too short a while."""


class Unavailable(RuleBroken):
    """The site cannot do this just now, and says so rather than do it badly."""
