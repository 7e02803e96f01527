"""Networks, quantization and the integer graph: everything up to ``model.onnx``."""
