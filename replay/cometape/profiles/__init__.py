"""Built-in profiles, and the reading of everybody's: a name or the path of a YAML file."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml

from cometape.core.profile.profile import Profile
from cometape.core.profile.profile_format import extended_name, parse_profile

from ..core.errors import ProfileError

_FOLDER = Path(__file__).parent
_MAX_BYTES = 1 << 18
"""A profile is a page or two."""

_MAX_DEPTH = 32
"""Libyaml builds nested nodes on the C stack and has no bound of its own."""


def built_in_profiles() -> list[str]:
    """Names of the profiles that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_profile(name_or_path: str, *, beside: Path | None = None) -> Profile:
    """The profile of that name, or from that file (anything with a slash or ending in `.yaml`).

    A file is looked for from the working directory, then in the folder `beside`. It may extend a
    built-in profile, or another file given relative to itself. Built-in ones are read once. Raises
    ProfileError naming file, key and what is allowed.
    """
    path = _find(name_or_path, Path())
    if beside is not None and not path.exists():
        there = _find(name_or_path, beside)
        if not there.exists():
            raise ProfileError(
                f"there is no profile {name_or_path}, neither in {Path.cwd()} nor in {beside}",
                hint="give the name of a built-in profile or the path of a YAML file",
                reason="profile-not-found",
            )
        path = there
    return _load(path, ())


def profile_finder(
    cassette: str | os.PathLike[str], asked: str | None = None
) -> Callable[[str], Profile]:
    """Finds the profile for a cassette file, by the name that the cassette gives.

    That can be a file beside it. Where another profile is `asked` for, the Bayeux endpoints of the
    cassette's own are its as well: a cassette does not say where its endpoint was when its profile
    does. Raises ProfileError, for the cassette's own only where no other is asked for.
    """
    folder = Path(cassette).absolute().parent

    def find(named: str) -> Profile:
        if asked is None:
            return load_profile(named, beside=folder)
        profile = load_profile(asked, beside=folder)
        with suppress(ProfileError):
            own = load_profile(named, beside=folder).bayeux_paths
            paths = tuple(dict.fromkeys((*profile.bayeux_paths, *own)))
            profile = replace(profile, bayeux_paths=paths)
        return profile

    return find


@cache
def _built_in(path: Path) -> Profile:
    return _load_file(path, ())


def _find(name_or_path: str, folder: Path) -> Path:
    if "/" in name_or_path or name_or_path.endswith((".yaml", ".yml")):
        return folder / name_or_path
    if name_or_path not in built_in_profiles():
        raise ProfileError(
            f"there is no profile {name_or_path!r}",
            hint=f"built in: {', '.join(built_in_profiles())}; or give the path of a YAML file",
            reason="profile-not-found",
        )
    return _FOLDER / f"{name_or_path}.yaml"


def _load(path: Path, extending: tuple[Path, ...]) -> Profile:
    return _built_in(path) if path.parent == _FOLDER else _load_file(path, extending)


def _load_file(path: Path, extending: tuple[Path, ...]) -> Profile:
    source = path.stem if path.parent == _FOLDER else str(path)
    if path in extending:
        raise ProfileError(
            f"profile {source} extends itself",
            hint=" -> ".join(str(step) for step in (*extending, path)),
            reason="profile-invalid",
        )
    mapping = _read(path, source)
    extends = extended_name(mapping, source)
    base = _load(_find(extends, path.parent), (*extending, path)) if extends else None
    return parse_profile(mapping, source, base=base)


def _read(path: Path, source: str) -> object:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ProfileError(
            f"profile {source} cannot be read: {error.strerror}",
            hint="give the name of a built-in profile or the path of a YAML file",
            reason="profile-not-found",
        ) from error
    if len(data) > _MAX_BYTES:
        raise ProfileError(
            f"profile {source} has {len(data)} bytes, at most {_MAX_BYTES} are read",
            hint="is this a cassette? a profile says what is special about one API",
            reason="profile-invalid",
        )
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(data, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise ValueError(f"more than {_MAX_DEPTH} levels of nesting")
        return yaml.load(data, Loader=loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProfileError(
            f"profile {source} is not YAML: {' '.join(str(error).split())}",
            hint="mend the line named; docs/profiles.md has a complete example",
            reason="profile-not-yaml",
        ) from error
