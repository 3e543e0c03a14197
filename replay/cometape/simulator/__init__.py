"""The simulated Workbins system: a live system to record from, without licences and agents."""

from .config import WorkbinsConfig
from .service import Workbins

__all__ = ["Workbins", "WorkbinsConfig"]
