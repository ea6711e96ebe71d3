"""What a user may choose of the engine, known without loading torch."""

DEFAULT_BATCH_SIZE = 4  # frames; small batches stay in the processor's cache
# torch's names of the arithmetic; where there are two, the second is for frames that are close calls in the first
PRECISIONS = {"fp32": ("float32",), "bf16": ("bfloat16",), "auto": ("bfloat16", "float32")}
