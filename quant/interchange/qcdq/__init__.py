"""QCDQ and QDQ models -> integer graph."""

from quant.interchange.qcdq.importer import from_qcdq

__all__ = ["from_qcdq"]
