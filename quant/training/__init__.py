"""Float training, quantization-aware training and export; the only room that imports torch and Brevitas."""
