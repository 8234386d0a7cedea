"""How long the recipe trains and how: one place for its code and its command line."""

from umt_trainer.config import RunConfig

# small batches and many steps: of the same work, a decoder learned more from them
ENCODER_RUN = RunConfig(
    steps=10_000,
    batch_size=4,
    crop_s=4.0,
    learning_rate=3e-3,
    shards=2,
    precision="bfloat16",
)
DECODER_RUN = RunConfig(
    steps=2000, batch_size=2, crop_s=2.0, learning_rate=3e-3, shards=2, workers=1
)
"""Of a decoder that begins as another; one that begins from nothing learns for `STEPS_ALONE`."""
STEPS_ALONE = 3600
