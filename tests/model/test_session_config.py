import io

import pytest

from model import session_config as module
from model.session_config import has_bfloat16, resolve_precision, session_config

BFLOAT16 = "flags\t\t: fpu vme sse2 avx512_bf16 avx2\nmodel name\t: one\nflags\t\t: fpu\n"


def precision_of(config):
    return config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16


def test_only_bfloat16_rewrites_the_graph():
    assert precision_of(session_config("bfloat16")) == 1
    assert precision_of(session_config("float32")) == 0


@pytest.mark.parametrize("has_it, expected", [(True, "bfloat16"), (False, "float32")])
def test_auto_is_what_the_processor_has(has_it, expected, monkeypatch):
    monkeypatch.setattr(module, "has_bfloat16", lambda: has_it)
    assert resolve_precision("auto") == expected
    assert resolve_precision("float32") == "float32"
    assert resolve_precision("bfloat16") == "bfloat16"


@pytest.mark.parametrize(
    "text, expected",
    [
        (BFLOAT16, True),
        (BFLOAT16.replace("avx512_bf16", "amx_bf16"), True),
        (BFLOAT16.replace("avx512_bf16", "avx512"), False),
        (BFLOAT16.replace("avx512_bf16", "not_avx512_bf16_at_all"), False),
        ("Processor: another\n", False),
        ("", False),
    ],
)
def test_the_processor_s_flags_say_whether_it_has_bfloat16(text, expected, monkeypatch):
    monkeypatch.setattr(module.os.path, "exists", lambda path: True)
    monkeypatch.setattr(module, "open", lambda *_, **__: io.StringIO(text), raising=False)
    assert has_bfloat16() is expected


def test_a_system_that_does_not_say_has_none(monkeypatch):
    monkeypatch.setattr(module.os.path, "exists", lambda path: False)
    assert has_bfloat16() is False
