"""What the trainer is told of the wavenet family."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from umt_domains.wavenet import hearing
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.distort import Distortion, local_pitch
from umt_domains.wavenet.encoder import EncoderNetwork, latent_space
from umt_domains.wavenet.hearing import WavenetEncoder
from umt_domains.wavenet.learning import WavenetLearning
from umtcli.learning import Batch
from wavenet_reference import SlowWaveNet, authors_decoder, forced_logits, mulaw_encode


def test_a_decoder_is_taught_the_cross_entropy_of_each_next_class(
    small_decoder: DecoderNetwork,
) -> None:
    generator = torch.Generator().manual_seed(1)
    wav = torch.rand(2, 39, generator=generator) * 2 - 1
    latents = torch.randn(2, 5, 4, generator=generator)  # one frame of context too many
    (loss,) = WavenetLearning().decoder_loss(small_decoder, latents, wav).values()
    surprises = []
    for i in range(2):
        slow = SlowWaveNet(authors_decoder(small_decoder), blocks=2, layers=3)
        classes = [mulaw_encode(x) for x in wav[i].tolist()]
        logits = forced_logits(slow, classes, latents[i, :, 1:].double().numpy(), hop=13)
        chances = np.exp(logits) / np.exp(logits).sum(axis=0)
        surprises += [-np.log(chances[q, t]) for t, q in enumerate(classes)]
    assert loss.item() == pytest.approx(np.mean(surprises), rel=1e-5)


@pytest.mark.parametrize("num_examples", [1, 2])
def test_a_decoder_may_be_taught_to_leave_a_wrong_past(
    small_decoder: DecoderNetwork, num_examples: int
) -> None:
    generator = torch.Generator().manual_seed(1)
    wav = torch.rand(num_examples, 39, generator=generator) * 2 - 1
    latents = torch.randn(num_examples, 5, 3, generator=generator)
    # a millisecond is more than a hop of 13 samples at 16 kHz, and less than two
    learning = WavenetLearning(hop_samples=13, distorted=Distortion(wrong_past_s=1e-3))
    (loss,) = learning.decoder_loss(small_decoder, latents, wav).values()
    surprises = []
    for i in range(num_examples):
        slow = SlowWaveNet(authors_decoder(small_decoder), blocks=2, layers=3)
        other = wav[(i - 1) % num_examples]
        classes = [mulaw_encode(x) for x in (*other[13:].tolist(), *wav[i].tolist())]
        around = torch.cat([latents[i, :, :1].expand(-1, 2), latents[i]], dim=-1)
        logits = forced_logits(slow, classes, around.double().numpy(), hop=13)
        chances = np.exp(logits) / np.exp(logits).sum(axis=0)
        surprises += [-np.log(chances[q, t]) for t, q in enumerate(classes) if t >= 26]
    assert loss.item() == pytest.approx(np.mean(surprises), rel=1e-5)


def test_the_loss_reaches_the_latents_so_that_an_encoder_can_learn(
    small_decoder: DecoderNetwork,
) -> None:
    latents = torch.zeros(1, 5, 2, requires_grad=True)
    losses = WavenetLearning().decoder_loss(small_decoder, latents, torch.zeros(1, 26))
    sum(losses.values()).backward()
    assert latents.grad is not None
    assert latents.grad.any()


def test_latents_of_waveforms_are_the_encoders_and_teach_it(
    small_encoder: EncoderNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "multiplies_bfloat16", lambda: False)
    generator = torch.Generator().manual_seed(1)
    wav = torch.rand(2, 70, generator=generator) - 0.5
    latents = WavenetLearning(hop_samples=10).encode(small_encoder, wav)
    assert latents.shape == (2, 3, 7)
    streams = WavenetEncoder(
        small_encoder, latent_space("t", small_encoder.config), "cpu"
    ).streams()
    stream = streams.open()
    heard = [streams.push({stream: wav[1]})[stream], streams.finish([stream])[stream]]
    assert torch.allclose(latents[1], torch.cat(heard, dim=-1), atol=1e-5)
    latents.sum().backward()
    assert all(p.grad is not None for p in small_encoder.parameters())


def test_each_example_is_distorted_by_its_own_number() -> None:
    generator = torch.Generator().manual_seed(1)
    wav = torch.rand(3, 16_000, generator=generator) - 0.5
    learning = WavenetLearning()
    whole = learning.distort(Batch(wav, 5, (None,) * 3), 1, [])
    assert whole.index == 5
    for i in range(3):
        alone = learning.distort(Batch(wav[i : i + 1], 5 + i, (None,)), 1, [])
        assert torch.equal(alone.wav_BT[0], whole.wav_BT[i])
        assert torch.equal(whole.wav_BT[i], local_pitch(wav[i], 16_000, 1, 5 + i))
        assert not torch.equal(whole.wav_BT[i], wav[i])


def test_a_config_rebuilds_its_network(
    small_encoder: EncoderNetwork, small_decoder: DecoderNetwork
) -> None:
    config_of = WavenetLearning().config_of
    for small in (small_encoder, small_decoder):
        assert {"sample_rate", "hop_samples", "latent_channels"} < config_of(small).keys()
    heard, played = config_of(small_encoder), config_of(small_decoder)
    encoder = WavenetLearning.of(heard).new_encoder(heard)
    decoder = WavenetLearning(16_000, 13, 5).new_decoder(played)
    encoder.load_state_dict(small_encoder.state_dict())
    decoder.load_state_dict(small_decoder.state_dict())


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="EncoderConfig has no 'kernel'"):
        WavenetLearning().new_encoder({"kernel": 3})
    with pytest.raises(ValueError, match="DecoderConfig has no 'kernel'"):
        WavenetLearning().new_decoder({"kernel": 3})
