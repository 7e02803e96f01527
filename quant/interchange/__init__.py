"""The integer graph as ONNX, out and in."""
