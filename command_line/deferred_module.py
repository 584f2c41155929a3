"""Modules that take seconds to import, imported when they are first used: --help and refusals do not wait for them.

importlib.util.LazyLoader was considered: to find a submodule, such as matplotlib.figure, it imports the packages above it, and it
leaves no place for what must be done before the import.
"""

import importlib
import types
from collections.abc import Callable
from functools import cache
from typing import Any


class DeferredModule(types.ModuleType):
    """Stands for a module; the first attribute that is asked of it imports the module.

    name: that of the module, with dots. load: a function that imports and returns it, called once; without it,
    importlib.import_module does. Annotations must not be evaluated: a file that names the module in them needs
    `from __future__ import annotations`.
    """

    def __init__(self, name: str, load: Callable[[], types.ModuleType] | None = None) -> None:
        super().__init__(name)
        self._load = cache(load or (lambda: importlib.import_module(name)))

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._load(), attribute)
