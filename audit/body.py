"""What every kind of entry has in common."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Body:
    """What one entry says. Fields that are None are left out of the bytes."""

    type: ClassVar[str]
    refers: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that hold the id of an earlier entry."""

    def said(self) -> dict[str, Any]:
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}
