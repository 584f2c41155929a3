import sys
import types

from support.deferred_module import DeferredModule


def test_a_module_is_imported_at_its_first_use(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "slow_module.py").write_text("value = 3")
    deferred = DeferredModule("slow_module")
    assert "slow_module" not in sys.modules
    assert deferred.value == 3
    assert sys.modules.pop("slow_module").value == 3


def test_it_is_loaded_once():
    calls = []

    def load():
        calls.append(1)
        return types.SimpleNamespace(one=1, two=2)

    deferred = DeferredModule("any", load)
    assert not calls
    assert (deferred.one, deferred.two, len(calls)) == (1, 2, 1)
