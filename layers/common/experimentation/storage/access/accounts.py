"""Accounts: people who may log in, with their roles; the last enabled admin cannot be removed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from experimentation import settings, telemetry
from experimentation.clock import wall_clock
from experimentation.domain.access import AccountRole
from experimentation.domain.errors import ConflictError, NotFoundError, UnavailableError
from experimentation.storage import schema
from experimentation.storage.access import denials
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated
from experimentation.storage.aws.transactions import CancelledError, commit

if TYPE_CHECKING:
    from experimentation.storage.aws.transactions import Action, Item

PARTITION = "ACCOUNT"
MAX_TRIES = 5
CONDITION_FAILED = "ConditionalCheckFailed"
UNCHANGED = "version = :read AND created_at = :created"  # a name may be deleted and created again


@dataclass(frozen=True, slots=True)
class Account:
    """A person; sessions of another `epoch` are refused, times are milliseconds.

    `subject` identifies the person at the OpenID provider; empty for one who signs in with a password.
    """

    username: str
    role: str
    password_hash: str
    epoch: str
    created_at: int
    updated_at: int
    disabled: bool = False
    version: int = 1
    subject: str = ""

    @property
    def is_active_admin(self) -> bool:
        """Tell whether this is one of those who can administer."""
        return self.role == AccountRole.ADMIN and not self.disabled


class Page(NamedTuple):
    """Some people in the order of their names, and the name after which the next page starts."""

    accounts: list[Account]
    next_after: str | None


def find(username: str) -> Account | None:
    """Return the person as of now, None when there is none."""
    with translated():
        answer = client.dynamodb().get_item(
            TableName=settings.accounts_table(), Key=_primary(username), ConsistentRead=True
        )
    return _account(answer["Item"]) if "Item" in answer else None


def read(username: str) -> Account:
    """Return the person as of now; NotFoundError when there is none."""
    found = find(username)
    if found is None:
        raise NotFoundError("There is no such account.")
    return found


def page(limit: int, after: str | None) -> Page:
    """Return up to `limit` people in the order of their names."""
    with translated():
        answer = client.dynamodb().query(
            TableName=settings.accounts_table(),
            KeyConditionExpression="PK = :accounts AND SK > :after",
            ExpressionAttributeValues={":accounts": {"S": PARTITION}, ":after": {"S": after or " "}},
            Limit=limit,
            ConsistentRead=True,
        )
    accounts = [_account(item) for item in answer["Items"]]
    return Page(accounts, accounts[-1].username if "LastEvaluatedKey" in answer else None)


def create(account: Account, record: "Sequence[Action]" = ()) -> None:
    """Store a new person, and `record` with it; ConflictError when the name is taken."""
    try:
        commit([_creation(account), *_admins(int(account.is_active_admin)), *record])
    except CancelledError as error:
        _raise_unless_condition(error)
        raise ConflictError("There is already an account with this name.") from error


def create_first_admin(account: Account) -> bool:
    """Store the first person; False when there ever was one."""
    counter: Action = {
        "Put": {
            "TableName": settings.accounts_table(),
            "Item": _admins_key() | {"n": {"N": "1"}},
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }
    try:
        commit([_creation(account), counter])
    except CancelledError as error:
        _raise_unless_condition(error)
        return False
    return True


def has_first_admin() -> bool:
    """Tell whether there ever was a person."""
    with translated():
        answer = client.dynamodb().get_item(
            TableName=settings.accounts_table(), Key=_admins_key(), ConsistentRead=True
        )
    return "Item" in answer


def change(
    username: str,
    apply: Callable[[Account], Account],
    *,
    now: int,
    record: "Callable[[Account, Account], Action] | None" = None,
) -> Account:
    """Store what `apply` makes of the person, with the record of the change, and return it.

    Tokens issued until then are refused. NotFoundError when there is no such person, ConflictError when no
    admin would be left.
    """
    for _ in range(MAX_TRIES):
        before = read(username)
        wanted = apply(before)
        if wanted == before:
            return before
        after = replace(wanted, version=before.version + 1, updated_at=now)
        recorded = [record(before, after)] if record else []
        actions = [_update(after, before), *_admins(after.is_active_admin - before.is_active_admin)]
        if _written([*actions, denials.deny_subject(username, _clock()), *recorded]):
            _deny_until_now(username)
            return after
    raise UnavailableError("The account is being changed by others; try again.")


def delete(username: str, record: "Sequence[Action]" = ()) -> None:
    """Delete the person, write `record`, refuse their tokens; errors as for a change."""
    for _ in range(MAX_TRIES):
        before = read(username)
        removal: Action = {
            "Delete": {
                "TableName": settings.accounts_table(),
                "Key": _primary(username),
                "ConditionExpression": UNCHANGED,
                "ExpressionAttributeValues": _as_read(before),
            }
        }
        denial = denials.deny_subject(username, _clock())
        if _written([removal, *_admins(-before.is_active_admin), denial, *record]):
            _deny_until_now(username)
            return
    raise UnavailableError("The account is being changed by others; try again.")


def _written(actions: "Sequence[Action]") -> bool:
    """Write all; False when the person has changed meanwhile, ConflictError when no admin would be left."""
    try:
        commit(actions)
    except CancelledError as error:
        _raise_unless_condition(error)
        # The person first: if they have changed, the next attempt decides whether this is the last admin.
        if error.reasons[0] == CONDITION_FAILED:
            return False
        raise ConflictError("This is the last admin: make another one first.") from error
    return True


def _deny_until_now(username: str) -> None:
    """Refuse the tokens that were issued while the change was being written.

    Effective here at once; other environments read the list again within 10 s.
    """
    try:
        denials.deny_subject_now(username, _clock())
    except UnavailableError:
        # The change is stored and has denied all tokens issued before it: an error would hide that.
        telemetry.logger.warning("what was issued during a change was not refused", exc_info=True)
        denials.forget()


def _clock() -> int:
    """Return the time of the write itself: a login may have succeeded since the request's time."""
    return wall_clock()


def _raise_unless_condition(error: CancelledError) -> None:
    """Raise UnavailableError where no condition failed: the reason is a conflict or a throttle."""
    if CONDITION_FAILED not in error.reasons:
        raise UnavailableError("The accounts are busy; try again.") from error


def _admins(change: int) -> "list[Action]":
    """Return the write that keeps the number of enabled admins, which never falls below one."""
    if change == 0:
        return []
    return [
        {
            "Update": {
                "TableName": settings.accounts_table(),
                "Key": _admins_key(),
                "UpdateExpression": "ADD n :change",
                "ConditionExpression": "n > :fewest",
                "ExpressionAttributeValues": {
                    ":change": {"N": str(change)},
                    ":fewest": {"N": "1" if change < 0 else "0"},
                },
            }
        }
    ]


def _creation(account: Account) -> "Action":
    return {
        "Put": {
            "TableName": settings.accounts_table(),
            "Item": _item(account),
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }


def _update(after: Account, before: Account) -> "Action":
    return {
        "Update": {
            "TableName": settings.accounts_table(),
            "Key": _primary(before.username),
            "UpdateExpression": (
                "SET account_role = :role, password_hash = :hash, epoch = :epoch, disabled = :disabled, "
                "updated_at = :updated, version = :next"
            ),
            "ConditionExpression": UNCHANGED,
            "ExpressionAttributeValues": {
                ":role": {"S": after.role},
                ":hash": {"S": after.password_hash},
                ":epoch": {"S": after.epoch},
                ":disabled": {"BOOL": after.disabled},
                ":updated": {"N": str(after.updated_at)},
                ":next": {"N": str(after.version)},
                **_as_read(before),
            },
        }
    }


def _as_read(account: Account) -> "Item":
    """Return the values of UNCHANGED."""
    return {":read": {"N": str(account.version)}, ":created": {"N": str(account.created_at)}}


def _primary(username: str) -> "Item":
    return {"PK": {"S": PARTITION}, "SK": {"S": username}}


def _admins_key() -> "Item":
    return {"PK": {"S": "ADMINS"}, "SK": {"S": "COUNT"}}


def _item(account: Account) -> "Item":
    return _primary(account.username) | {
        "account_role": {"S": account.role},
        "password_hash": {"S": account.password_hash},
        "epoch": {"S": account.epoch},
        "disabled": {"BOOL": account.disabled},
        "created_at": {"N": str(account.created_at)},
        "updated_at": {"N": str(account.updated_at)},
        "version": {"N": str(account.version)},
        **({"subject": {"S": account.subject}} if account.subject else {}),
        **schema.MARK,
    }


def _account(item: "Item") -> Account:
    schema.require(item)
    return Account(
        username=item["SK"]["S"],
        role=item["account_role"]["S"],
        password_hash=item["password_hash"]["S"],
        epoch=item["epoch"]["S"],
        disabled=item["disabled"]["BOOL"],
        created_at=int(item["created_at"]["N"]),
        updated_at=int(item["updated_at"]["N"]),
        version=int(item["version"]["N"]),
        subject=item["subject"]["S"] if "subject" in item else "",
    )
