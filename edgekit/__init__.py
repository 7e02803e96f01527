"""EdgeKit: from quantization-aware training to microcontroller firmware, with the cost known before the board is."""

__version__ = "0.1.0"
