"""Secrets that text gives away by their shape: credentials after a scheme, tokens, pairs.

Each function takes text and a `Hide`, which turns a secret into its placeholder, and gives back the
text with nothing else changed. A pattern never takes a `<`, so a placeholder is never taken again.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from urllib.parse import unquote

from ..credentials import decoded_credentials

Hide = Callable[[str, str], str]
"""Kind and secret → placeholder."""

HideNamed = Callable[[str, str], str | None]
"""Name and value → placeholder, or None where the name is not one of a secret."""

_HINT = re.compile(r"eyJ|://|PRIVATE KEY|bearer\s|basic\s|negotiate\s|ntlm\s", re.IGNORECASE)
_SCHEME = re.compile(
    r"(?<![A-Za-z0-9_-])(?P<scheme>bearer|basic|negotiate|ntlm)(?P<gap>\s+)"
    r"(?P<secret>[A-Za-z0-9._~+/-]{8,}=*)",
    re.IGNORECASE,
)
_JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){2,4}")
"""RFC 7519: base64url of `{"` … in three parts, or five (RFC 7516)."""
_USERINFO = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)(?P<secret>[^\s/?#@\"'<>\\]+)@")
_PRIVATE_KEY = re.compile(
    r"(?P<begin>-----BEGIN (?P<what>[A-Z ]*PRIVATE KEY)-----)(?P<secret>[^<>]+?)"
    r"(?P<end>-----END (?P=what)-----)"
)
_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>\\]+")
_URL_PAIR = re.compile(
    r"(?:[?&#]|(?P<parameter>;))(?P<name>[^\s=&?#;<>\"']{1,64})="
    r"(?P<value>(?(parameter)[^\s?&;#<>\"']+|[^\s&#<>\"']+))"
)
_PAIR = re.compile(
    r"(?:(?P<url>[?&#])|(?P<parameter>;)|^|[\s,])(?P<name>[A-Za-z_][^\s=&?#;,:<>\"'(){}/]{0,63})="
    r"(?P<value>(?(url)[^\s&#<>\"']+|(?(parameter)"
    r"(?:[^?&;#<>\"'\n]{1,80}(?=;)|[^\s?&;,#<>\"']+)|[^\s&;,#<>\"']+)))"
)
"""In a query a value goes to the next `&`, in a path or a cookie to the next `;` (in a connection
string across spaces), in prose to the next comma."""
_QUOTED = re.compile(
    r"(?<![\w.$-])(?:u(?=[\"']))?(?P<quote>[\"']?)(?P<name>[A-Za-z_$][\w.$-]{0,63})(?P=quote)"
    r"\s*[:=]\s*(?:u(?=[\"']))?(?P<value>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
)
_NUMBER = re.compile(
    r"(?P<quote>[\"'])(?P<name>[\w.$-]{1,64})(?P=quote)\s*:\s*(?P<value>-?\d[\d.eE+-]*)"
)
_JSON_STRING = r"\"(?:[^\"\\]|\\.)*\""
_JSON_MEMBER = re.compile(
    rf"(?P<key>{_JSON_STRING})\s*:\s*(?P<value>{_JSON_STRING}|-?\d[\d.eE+-]*)?|(?P<item>{_JSON_STRING})"
)
_ELEMENT = re.compile(
    r"<(?:[\w-]+:)?(?P<name>[A-Za-z_][\w.-]{0,63})(?:\s[^<>]*)?>(?P<value>[^<>]+)(?=</)"
)
_INPUT = re.compile(r"<input\s[^<>]*>", re.IGNORECASE)
_INPUT_NAME = re.compile(r"\sname=[\"']?(?P<name>[^\s\"'>]{1,64})", re.IGNORECASE)
_INPUT_VALUE = re.compile(r"\svalue=[\"']?(?P<value>[^\s\"'<>]+)", re.IGNORECASE)
_PART = re.compile(
    r"(?<=\sname=\")(?P<name>[^\"\r\n]+)\"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n(?P<value>.*?)"
    r"(?=\r?\n--)",
    re.DOTALL,
)


def hide_shapes(text: str, hide: Hide) -> str:
    """Hide what is a secret by its shape, whatever it stands in."""
    if _HINT.search(text) is None:
        return text
    text = _PRIVATE_KEY.sub(
        lambda found: found["begin"] + hide("private-key", found["secret"]) + found["end"], text
    )
    text = _USERINFO.sub(lambda found: _without_userinfo(found, hide), text)
    text = _SCHEME.sub(lambda found: _without_credentials(found, hide), text)
    return _JWT.sub(lambda found: hide("token", found[0]), text)


def hide_pairs(text: str, hide: HideNamed) -> str:
    """Hide the values of `name=value` pairs in a URL, a cookie string or a line of text."""
    return _replaced(_PAIR, text, hide, unquote) if "=" in text else text


def hide_url_pairs(text: str, hide: HideNamed) -> str:
    """Hide the values of `name=value` pairs inside absolute URLs only."""
    return _URL.sub(lambda url: _replaced(_URL_PAIR, url[0], hide, unquote), text)


def hide_quoted(text: str, hide: HideNamed, hide_number: HideNamed, *, markup: bool) -> str:
    """Hide quoted values after a name, as in JSON, scripts, Python's dicts and attributes, and
    numbers after a quoted name."""
    text = _replaced(_QUOTED, text, hide, _unquoted, quoted=True, markup=markup)
    return _replaced(_NUMBER, text, hide_number, str, quoted=True, markup=markup)


def hide_json(
    text: str, hide: HideNamed, hide_number: HideNamed, hide_value: Callable[[str], str]
) -> str:
    """Hide secrets among the members of JSON text, changing no other byte: not the layout, not a
    repeated key, not the spelling of a number. `hide_value` sees what has no secret's name."""

    def one(found: re.Match[str]) -> str:
        group = "item" if found["item"] is not None else "value"
        literal = found[group]
        if literal is None:
            return found[0]
        name = None if group == "item" else str(json.loads(found["key"], strict=False))
        if literal[0] == '"':
            old = str(json.loads(literal, strict=False))
            new = None if name is None or not old.strip() else hide(name, old)
            new = hide_value(old) if new is None else new
        else:
            old, new = literal, None if name is None else hide_number(name, literal)
        if new is None or new == old:
            return found[0]
        start, end = (position - found.start() for position in found.span(group))
        return found[0][:start] + json.dumps(new, ensure_ascii=literal.isascii()) + found[0][end:]

    return _JSON_MEMBER.sub(one, text)


def hide_markup(text: str, hide: HideNamed) -> str:
    """Hide the text of XML elements and the values of HTML inputs with a secret's name."""
    if "<" not in text:
        return text
    text = _replaced(_ELEMENT, text, hide, html.unescape, markup=True)
    return _INPUT.sub(lambda found: _without_value(found[0], hide), text)


def hide_parts(text: str, hide: HideNamed) -> str:
    """Hide the fields of a `multipart/form-data` body (RFC 7578) with a secret's name."""
    return _replaced(_PART, text, hide, str)


def _replaced(
    pattern: re.Pattern[str],
    text: str,
    hide: HideNamed,
    decode: Callable[[str], str],
    *,
    quoted: bool = False,
    markup: bool = False,
) -> str:
    def one(found: re.Match[str]) -> str:
        value = decode(found["value"])
        placeholder = hide(found["name"], value) if value.strip() else None
        if placeholder is None or placeholder == value:
            return found[0]
        start, end = (position - found.start() for position in found.span("value"))
        shown = html.escape(placeholder) if markup else placeholder
        if quoted:
            mark = "'" if found["value"][0] == "'" else '"'
            shown = f"{mark}{shown}{mark}"
        return found[0][:start] + shown + found[0][end:]

    return pattern.sub(one, text)


def _unquoted(literal: str) -> str:
    if literal[0] == '"':
        try:
            return html.unescape(str(json.loads(literal)))
        except ValueError:
            pass
    return html.unescape(literal[1:-1])


def _without_userinfo(found: re.Match[str], hide: Hide) -> str:
    if ":" not in found["secret"]:  # a user name alone opens nothing
        return found[0]
    return f"{found['scheme']}{hide('credentials', unquote(found['secret']))}@"


def _without_credentials(found: re.Match[str], hide: Hide) -> str:
    scheme, secret = found["scheme"].lower(), found["secret"]
    if scheme == "basic":
        if decoded_credentials(secret) is None:
            return found[0]  # "Basic authentication is …"
        kind = "credentials"
    else:
        plain_word = secret.isalpha() and (secret.islower() or secret.istitle())
        if plain_word and len(secret) < 20:
            return found[0]  # "Bearer authentication is …"
        kind = "token" if scheme == "bearer" else "credentials"
    return f"{found['scheme']}{found['gap']}{hide(kind, secret)}"


def _without_value(element: str, hide: HideNamed) -> str:
    name, value = _INPUT_NAME.search(element), _INPUT_VALUE.search(element)
    if name is None or value is None:
        return element
    secret = html.unescape(value["value"])
    placeholder = hide(name["name"], secret)
    if placeholder is None or placeholder == secret:
        return element
    start, end = value.span("value")
    return element[:start] + html.escape(placeholder) + element[end:]
