"""Who may decide on what: officials, each on the regulations that are their department's work."""

from accounts.models import Account
from accounts.rules import Role
from core.errors import NotAllowed
from regulations.models import Regulation
from regulations.responsible import check_may_work_on


def check_decider(account: Account, regulation: Regulation) -> None:
    """Raises NotAllowed."""
    if account.role != Role.OFFICIAL:
        raise NotAllowed("Only officials may write and approve decisions.")
    check_may_work_on(account, regulation)
