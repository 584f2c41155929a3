"""Converts HDR video, and video with the wide colours of BT.2020, to the SDR of BT.709 that models and players expect.

libavfilter's zscale would do it, but PyAV's wheels lack it. Its haldclut interpolates in a table of colours, in a tenth
of the time of the same computation in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np

# Numbers of ITU-T H.273.
BT2020_PRIMARIES = 9
PQ, HLG = 16, 18  # transfer characteristics
SDR_TRANSFERS = (1, 6, 14, 15)

# ITU-R BT.2408: diffuse white in HDR, in cd/m², and the peak of the display that HLG is meant for.
WHITE, HLG_PEAK = 203.0, 1000.0
DISPLAY_GAMMA = 2.4  # ITU-R BT.1886
KNEE = 0.6  # up to this share of white, luminance is kept; brighter parts are compressed, white to 0.85
# Linear RGB of BT.2020 to that of BT.709: ITU-R BT.2087.
TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
LUMINANCE = np.array([0.2627, 0.6780, 0.0593])  # of BT.2020

LEVEL = 8  # of the table: an image of LEVEL³ × LEVEL³ pixels with LEVEL² values per channel
RGB = "rgb48le"

ToSdr = Callable[[av.VideoFrame], av.VideoFrame]


def needs_conversion(transfer: int, primaries: int) -> bool:
    """Whether a video with these numbers of ITU-T H.273 is HDR, or SDR with the primaries of BT.2020."""
    return transfer in (PQ, HLG) or (primaries == BT2020_PRIMARIES and transfer in SDR_TRANSFERS)


def sdr_conversion(transfer: int, width: int, height: int) -> ToSdr:
    """A function that converts frames of this transfer characteristic and size, in pixels, to SDR in RGB."""
    values = np.linspace(0, 1, LEVEL**2)
    blue, green, red = np.meshgrid(values, values, values, indexing="ij")
    table = sdr_colours(np.stack([red, green, blue], axis=-1), transfer).reshape(LEVEL**3, LEVEL**3, 3)
    graph = av.filter.Graph()
    frames = graph.add_buffer(width=width, height=height, format=av.VideoFormat(RGB), time_base=Fraction(1))
    tables = graph.add_buffer(width=LEVEL**3, height=LEVEL**3, format=av.VideoFormat(RGB), time_base=Fraction(1))
    lookup, sink = graph.add("haldclut", "clut=first"), graph.add("buffersink")
    frames.link_to(lookup, 0, 0)
    tables.link_to(lookup, 0, 1)
    lookup.link_to(sink)
    graph.configure()
    table_frame = av.VideoFrame.from_ndarray(np.rint(table * 0xFFFF).astype("<u2"), format=RGB)
    table_frame.pts = 0
    tables.push(table_frame)
    tables.push(None)
    count = 0

    def convert(frame: av.VideoFrame) -> av.VideoFrame:
        nonlocal count
        pixels = frame.reformat(format=RGB)
        pixels.pts, pixels.time_base = count, Fraction(1)
        count += 1
        frames.push(pixels)
        return graph.vpull()

    return convert


def sdr_colours(colours: np.ndarray, transfer: int) -> np.ndarray:
    """Converts R'G'B' of BT.2020, (..., 3) from 0 to 1, to R'G'B' of BT.709, (..., 3) from 0 to 1."""
    light = np.maximum(_display_light(colours, transfer) @ TO_BT709.T, 0)
    brightest = light.max(axis=-1, keepdims=True)
    if transfer in (PQ, HLG):
        light = light * _compressed(brightest) / np.maximum(brightest, 1e-9)
    return np.clip(light, 0, 1) ** (1 / DISPLAY_GAMMA)


def _display_light(colours: np.ndarray, transfer: int) -> np.ndarray:
    """R'G'B' to linear RGB on a display, in shares of diffuse white: ITU-R BT.2100, tables 4 and 5."""
    if transfer == PQ:
        root = colours ** (1 / 78.84375)
        shares = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        return 10_000 / WHITE * shares ** (1 / 0.1593017578125)
    if transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(colours <= 0.5, colours**2 / 3, (np.exp((colours - c) / a) + b) / 12)
        return HLG_PEAK / WHITE * scene * (scene @ LUMINANCE)[..., np.newaxis] ** 0.2
    return colours**DISPLAY_GAMMA


def _compressed(light: np.ndarray) -> np.ndarray:
    """Light in shares of diffuse white, compressed smoothly to at most 1."""
    above = np.maximum(light - KNEE, 0) / (1 - KNEE)
    return np.minimum(light, KNEE) + (1 - KNEE) * (1 - np.exp(-above))
