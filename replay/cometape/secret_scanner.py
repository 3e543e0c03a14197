"""The last scan: detect-secrets' detectors over single texts, without its files and its network.

Only its detectors are used, each text by itself: no settings, no baseline, and never `verify`,
which would ask a provider whether a secret is valid. They are those of `bc-detect-secrets`, the
fork that is kept up (Yelp's original has had no release since May 2024); both have one module name
and one interface, so either will do.

Its detector by keyword is left out: a cassette's names are judged by the profile's rules. Its
detector by entropy is asked about single words with a digit and a letter, which in the texts of a
contact centre takes away what would be noise: sentences, camel case, paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

_DETECTORS = (
    "artifactory", "aws", "azure_storage_key", "basic_auth", "cloudant", "discord", "github_token",
    "gitlab_token", "ibm_cloud_iam", "ibm_cos_hmac", "jwt", "mailchimp", "npm", "openai",
    "private_key", "pypi_token", "sendgrid", "slack", "softlayer", "square_oauth", "stripe",
    "telegram_token", "twilio",
)  # fmt: skip
"""Modules of `detect_secrets.plugins`; those that an edition lacks are passed over."""
_MIN_BASE64 = 20
_MIN_HEX = 24
"""Shorter ones are ids: those of interactions and chat participants have 16 characters."""
_WORD = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_PATH_LIKE = re.compile(r"://|^\.{0,2}/|/.*/")
_HEX = re.compile(r"[0-9a-fA-F]+")
_SUSPICIOUS = re.compile(
    r"://|key|pwd?|pass|token|private|encryption:|eyj|xox|hooks\.slack|artif|jfrog|buildkit|aws"
    r"|akc[a-z0-9]{10}|a3t[a-z0-9]{17}|(?:abia|acca|akia|asia)[0-9a-z]{16}|[a-z0-9+/]{86}"
    r"|[mno][\w-]{23,25}\.|gh[pousr]_|[0-9a-z]{32}-us|npm_|_authtoken|sg\.[a-z0-9_-]{22}"
    r"|sq0csp-|[rs]k_live_|(?:ac|sk)[a-z0-9]{32}",
    re.IGNORECASE,
)
"""What a text must have for one of the detectors to find something: it costs a tenth of them."""
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[A-Za-z]")


@cache
def scanner() -> Scanner:
    """The scanner; its detectors are imported at the first asking, which takes a while."""
    return Scanner()


class Scanner:
    """Finds what looks like a secret in one text; call it with the text (`core.scrub.residue`)."""

    def __init__(self) -> None:
        self._detectors = list(_detectors())
        entropy: Any = import_module("detect_secrets.plugins.high_entropy_strings")
        self._base64: Any = entropy.Base64HighEntropyString()
        self._hex: Any = entropy.HexHighEntropyString()

    def __call__(self, text: str) -> Iterator[tuple[str, str]]:
        """What each finding looks like, and itself."""
        for detector in self._detectors:
            for found in detector.analyze_string(text):
                if isinstance(found, str) and found.strip():
                    yield f"a secret ({detector.secret_type})", found
        for found in _WORD.findall(text):
            words = re.split(r"[/=]", found) if _PATH_LIKE.search(text) else [found]
            for word in words:
                if self._is_random(word):
                    yield "a secret (random characters)", word

    def suspects(self, text: str) -> bool:
        """Whether there is anything to look at more closely; False: nothing would be found."""
        return _SUSPICIOUS.search(text) is not None or any(
            _DIGIT.search(word) and _LETTER.search(word) for word in _WORD.findall(text)
        )

    def _is_random(self, word: str) -> bool:
        if not (_DIGIT.search(word) and _LETTER.search(word)):
            return False
        if _HEX.fullmatch(word):
            return len(word) >= _MIN_HEX and self._above(self._hex, word)
        return len(word) >= _MIN_BASE64 and self._above(self._base64, word)

    @staticmethod
    def _above(detector: Any, word: str) -> bool:
        return bool(detector.calculate_shannon_entropy(word) > detector.entropy_limit)


def _detectors() -> Iterator[Any]:
    for name in _DETECTORS:
        try:
            module = import_module(f"detect_secrets.plugins.{name}")
        except ModuleNotFoundError:
            continue
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and value.__module__ == module.__name__
                and hasattr(value, "analyze_string")
            ):
                yield value()
