"""What a user may choose of the engine, known without loading torch."""

DEFAULT_BATCH_SIZE = 16  # frames; as many as the engine computes at once in any stretch of a network
# torch's names of the arithmetic; where there are two, the second is for frames that are close calls in the first
PRECISIONS = {"fp32": ("float32",), "bf16": ("bfloat16",), "auto": ("bfloat16", "float32")}
