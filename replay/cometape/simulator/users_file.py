"""Users of one's own: what `cometape simulate --users FILE` reads.

- userName: ada                 # required; all else has a default
  password: secret              # the name followed by -password
  supervisor: true              # false
  id: 00025aA4V4DR00P6          # 32 hexadecimal digits made from the name
  firstName: Ada
  lastName: Example
  nickname: Ada
  place: Place_ada
  phoneNumber: "5100"
  agentGroups: [Tier2]          # []; groups that are new are made
  placeGroups: [FrontOffice]
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from uuid import UUID

from cometape.core.errors import ConfigurationError
from cometape.core.json_value import Json, JsonObject

from .model import DataSet, User

_TEXTS = (
    "userName",
    "password",
    "id",
    "firstName",
    "lastName",
    "nickname",
    "place",
    "phoneNumber",
)
_LISTS = ("agentGroups", "placeGroups")


def with_users(data: DataSet, entries: Json) -> DataSet:
    """A data set with more users; one of a known name replaces that user.

    `entries` is the file's content as YAML or JSON gives it. Raises ConfigurationError naming the
    entry and the key that cannot be used.
    """
    if not isinstance(entries, list) or not entries:
        raise _error("it holds no list of users")
    added = [_user(entry, number) for number, entry in enumerate(entries, 1)]
    names = {user.user_name for user in added}
    users = (*(user for user in data.users if user.user_name not in names), *added)
    if len({user.id for user in users}) < len(users) or len(names) < len(added):
        raise _error("two users have the same name or id")
    return replace(
        data,
        users=users,
        agent_groups=_united(data.agent_groups, [user.agent_groups for user in added]),
        place_groups=_united(data.place_groups, [user.place_groups for user in added]),
    )


def _user(entry: Json, number: int) -> User:
    if not isinstance(entry, dict) or not isinstance(entry.get("userName"), str):
        raise _error(f"user {number} has no userName")
    for key, value in entry.items():
        if key in _TEXTS:
            good = isinstance(value, str) and bool(value)
        elif key in _LISTS:
            good = isinstance(value, list) and all(isinstance(word, str) for word in value)
        else:
            good = key == "supervisor" and isinstance(value, bool)
        if not good:
            raise _error(f"user {number} has {key}: {value!r}")
    name = str(entry["userName"])
    digest = sha256(name.encode()).hexdigest()
    return User(
        id=str(entry.get("id", digest[:32])),
        user_name=name,
        password=str(entry.get("password", f"{name}-password")),
        first_name=str(entry.get("firstName", name)),
        last_name=str(entry.get("lastName", "Example")),
        supervisor=entry.get("supervisor") is True,
        place=str(entry.get("place", f"Place_{name}")),
        device_id=str(UUID(digest[32:], version=4)),
        phone_number=str(entry.get("phoneNumber", 6000 + int(digest[:4], 16) % 1000)),
        agent_groups=_words(entry, "agentGroups"),
        place_groups=_words(entry, "placeGroups"),
        nickname=str(entry.get("nickname", "")),
    )


def _words(entry: JsonObject, key: str) -> tuple[str, ...]:
    words = entry.get(key, [])
    assert isinstance(words, list)
    return tuple(str(word) for word in words)


def _united(known: tuple[str, ...], more: list[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*known, *(group for groups in more for group in groups)]))


def _error(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the file of users cannot be used: {what}",
        hint="Write a YAML list of users: - {userName: ada, agentGroups: [Tier2]}; "
        "keys are userName, password, supervisor, id, firstName, lastName, nickname, place, "
        "phoneNumber, agentGroups, placeGroups.",
        reason="bad-option",
    )
