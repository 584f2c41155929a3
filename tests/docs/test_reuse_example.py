"""Runs the example at the end of docs/PIPELINE.md."""

import re

import h5py
import numpy as np

from pipeline.tensorflow_v1 import tf
from tests.conftest import ROOT


def test_the_example_streams_every_sample_once(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    columns = random.normal(size=(3 * 2000 + 8, 40)).astype(np.float32)
    words = random.permutation(2000)
    with h5py.File(tmp_path / "words.h5", "w") as file:
        file["columns"], file["words"] = columns, words
    page = (ROOT / "docs" / "PIPELINE.md").read_text(encoding="utf-8")
    [code] = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    names = {}
    with tf.Graph().as_default():
        exec(code, names)
    sample_of = np.argsort(words)
    drawn = np.concatenate([labels for _, labels in names["epoch"]])
    assert drawn.dtype == np.int64 and sorted(drawn) == list(range(2000))
    # Not in the order of the file, and not block by block: a batch has samples from several thousand columns.
    assert np.mean([np.ptp(sample_of[labels]) for _, labels in names["epoch"]]) > 300
    for frames, labels in names["epoch"]:
        firsts = 3 * sample_of[labels]
        assert frames.dtype == np.float32
        np.testing.assert_array_equal(frames, columns[firsts[:, np.newaxis] + np.arange(8)])
