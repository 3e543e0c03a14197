"""Simulated dates: the passing of the monotonic clock, told in the API's date formats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(slots=True)
class Calendar:
    """Turns `now_s` into dates; the first time it sees is `start`."""

    start: datetime
    """An aware datetime; its offset is the local time of the simulated system."""
    _zero_s: float | None = None

    def moment(self, now_s: float) -> datetime:
        """The date and time at `now_s`, in the system's local offset."""
        if self._zero_s is None:
            self._zero_s = now_s
        return self.start + timedelta(seconds=now_s - self._zero_s)

    def user_data(self, now_s: float) -> str:
        """As in userData: UTC to the second, `2014-04-17T04:03:21Z`."""
        utc = self.moment(now_s) - (self.start.utcoffset() or timedelta())
        return utc.strftime("%Y-%m-%dT%H:%M:%SZ")

    def resource(self, now_s: float) -> str:
        """As in resources (`receivedDate`): `2016-04-08 15:05:57.000+0300`."""
        moment = self.moment(now_s)
        milliseconds = moment.microsecond // 1000
        return f"{moment:%Y-%m-%d %H:%M:%S}.{milliseconds:03d}{moment:%z}"
