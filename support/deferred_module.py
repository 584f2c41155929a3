"""Defers the import of slow modules until their first use, so that --help and invalid options are answered at once.

importlib.util.LazyLoader imports the parent packages of a submodule, such as matplotlib.figure, at once, and offers no
hook for what must be done before the import.
"""

import importlib
import types
from collections.abc import Callable
from functools import cache
from typing import Any


class DeferredModule(types.ModuleType):
    """A stand-in for a module, which is imported at the first access to an attribute.

    name: the module's full name. load: imports and returns it, and is called once; importlib.import_module by default.
    A file that names the module in annotations needs `from __future__ import annotations`, because evaluating them
    imports it.
    """

    def __init__(self, name: str, load: Callable[[], types.ModuleType] | None = None) -> None:
        super().__init__(name)
        self._load = cache(load or (lambda: importlib.import_module(name)))

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._load(), attribute)
