"""Window models as streams: state between hops instead of windows computed anew."""

from quant.streaming.recording import causal
from quant.streaming.stream import MODES, Mode, stream

__all__ = ["MODES", "Mode", "causal", "stream"]
