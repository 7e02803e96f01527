"""QONNX models of bits: float operators around ``BipolarQuant``, to the integer graph and from it.

``BipolarQuant(x, scale)`` of the domain ``qonnx.custom_op.general`` is +scale where x >= 0 and -scale elsewhere.
"""

from quant.interchange.qonnx.exporter import to_qonnx
from quant.interchange.qonnx.importer import from_qonnx
from quant.interchange.qonnx.values import BIPOLAR

__all__ = ["BIPOLAR", "from_qonnx", "to_qonnx"]
