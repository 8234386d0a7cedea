"""How long the recipe trains and how: one place for its code and its command line."""

from umt_trainer.config import RunConfig

ENCODER_RUN = RunConfig(steps=2600, batch_size=8, crop_s=4.0, learning_rate=3e-3)
DECODER_RUN = RunConfig(
    steps=1600, batch_size=4, crop_s=2.0, learning_rate=3e-3, shards=2, workers=1
)
