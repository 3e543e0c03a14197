"""mitmproxy's master for few addons: the same hooks in the same order, at a third of their cost.

mitmproxy starts a task for every hook, asks every addon for it, and once more for `update`: four
times per exchange. Measured, that was a quarter of all processor time of a recorder. Here the
addons that have a hook are known, and one whose handlers are plain functions is run where it
arises, before anything else happens; a head and the body that comes with it are sent together.
For any other master nothing in mitmproxy changes but its speed. A flow cannot be intercepted (held
by an addon until somebody lets it go): nobody could let it go here.
"""

from __future__ import annotations

import copy
import inspect
import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any

from mitmproxy import exceptions, hooks, http
from mitmproxy.addonmanager import AddonManager
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.optmanager import _Option, unset
from mitmproxy.proxy import commands, events, mode_servers

Handler = Callable[..., Any]

_INDEX = "_cometape_index"
_NO_INDEX: tuple[Any, dict[bytes, list[str]]] = (None, {})
_IMMUTABLE = (str, int, float, type(None))

logger = logging.getLogger("mitmproxy.addonmanager")


class LeanMaster(Master):
    """A master that must have all of its addons before it runs."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.addons = LeanAddons(self)
        mode_servers.ProxyConnectionHandler = LeanConnectionHandler  # type: ignore[misc]
        # As under `python -O`: no check of each field's type in each request and response.
        http.MessageData.__post_init__ = _checked_already  # type: ignore[method-assign]
        http.Headers.get_all = _header_values  # type: ignore[method-assign,assignment]
        http.Headers.get = _header  # type: ignore[method-assign,assignment]
        _Option.current = _option_value  # type: ignore[method-assign,assignment]


def _checked_already(data: http.MessageData) -> None:
    """Instead of a check of mitmproxy's own calls."""


def _header_values(headers: http.Headers, name: str | bytes) -> list[str]:
    """What mitmproxy's own function returns, in a fifth of its time: 28 calls per exchange."""
    return list(_found(headers, name))


def _header(headers: http.Headers, name: str | bytes, default: Any = None) -> Any:
    found = _found(headers, name)
    if not found:
        return default
    return found[0] if len(found) == 1 else ", ".join(found)


def _found(headers: http.Headers, name: str | bytes) -> Sequence[str]:
    """The values of a header, by an index that lasts as long as `fields` is the same tuple."""
    kept = vars(headers)
    indexed, index = kept.get(_INDEX, _NO_INDEX)
    if indexed is not headers.fields:
        index = {}
        for key, value in headers.fields:
            index.setdefault(key.lower(), []).append(value.decode("utf-8", "surrogateescape"))
        kept[_INDEX] = headers.fields, index
    sought = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
    found: Sequence[str] = index.get(sought.lower(), ())
    return found


def _option_value(option: Any) -> Any:
    """What mitmproxy's own function returns: 13 calls per exchange, each with a deep copy."""
    value = option._default if option.value is unset else option.value
    return value if isinstance(value, _IMMUTABLE) else copy.deepcopy(value)


class LeanAddons(AddonManager):
    """Knows which addons have a hook without asking all of them each time."""

    def __init__(self, master: Master) -> None:
        super().__init__(master)  # type: ignore[no-untyped-call]
        self._handlers: dict[str, tuple[tuple[Handler, ...], bool]] = {}

    def register(self, addon: Any) -> Any:
        """Add an addon, as mitmproxy does."""
        self._handlers = {}
        return super().register(addon)  # type: ignore[no-untyped-call]

    def remove(self, addon: Any) -> None:
        """Remove an addon, as mitmproxy does."""
        self._handlers = {}
        super().remove(addon)  # type: ignore[no-untyped-call]

    async def trigger_event(self, event: hooks.Hook) -> None:
        """Call what the addons have for a hook."""
        handlers, at_once = self.handlers(event)
        if at_once:
            self.run(handlers, event)
        elif handlers:
            await super().trigger_event(event)

    def handlers(self, event: hooks.Hook) -> tuple[tuple[Handler, ...], bool]:
        """The addons' functions for a hook, and whether none of them is asynchronous."""
        found = self._handlers.get(event.name)
        if found is None:
            named = tuple(
                func for addon in self.chain for _, func in self._iter_hooks(addon, event)
            )
            found = named, not any(map(inspect.iscoroutinefunction, named))
            self._handlers[event.name] = found
        return found

    def run(self, handlers: tuple[Handler, ...], event: hooks.Hook) -> None:
        """Call handlers one after the other; what one of them raises is logged, as in mitmproxy."""
        arguments = event.args()
        for handler in handlers:
            try:
                handler(*arguments)
            except exceptions.AddonHalt:
                return
            except exceptions.OptionsError:
                raise
            except Exception as error:
                logger.error(f"Addon error: {error}", exc_info=error)


class LeanConnectionHandler(mode_servers.ProxyConnectionHandler):
    """A client's connection whose hooks run where they arise."""

    @property
    def layer(self) -> Any:
        """The outermost protocol layer."""
        return self._layer

    @layer.setter
    def layer(self, layer: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        addons = self.master.addons
        self._layer = _LeanLayer(layer, addons) if isinstance(addons, LeanAddons) else layer


class _LeanLayer:
    """A layer that runs the hooks of another at once, and sends what it sends in one piece."""

    def __init__(self, layer: Any, addons: LeanAddons) -> None:
        self._layer = layer
        self._addons = addons
        self.context = layer.context

    def handle_event(self, event: events.Event) -> Generator[commands.Command, Any, None]:
        waiting = deque([event])
        held: commands.SendData | None = None
        while waiting:
            for command in self._layer.handle_event(waiting.popleft()):
                if isinstance(command, commands.StartHook):
                    handlers, at_once = self._addons.handlers(command)
                    if at_once:
                        self._addons.run(handlers, command)
                        if command.blocking:
                            waiting.append(events.HookCompleted(command))
                        continue
                elif isinstance(command, commands.SendData):
                    if held is not None and held.connection is command.connection:
                        held.data += command.data  # a head and its body: one system call
                        continue
                    if held is not None:
                        yield held
                    held = command
                    continue
                if held is not None:
                    yield held
                    held = None
                yield command
        if held is not None:
            yield held
