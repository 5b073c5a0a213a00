"""The reversed gradient points the other way, and an encoder trained behind it hides its domain."""

import math

import pytest
import torch
from torch import Tensor, nn

from matryo.errors import MatryoError, ShapeError
from matryo.losses.adversarial import DomainClassifier, domain_loss, reversal_strength, reverse_gradient


@pytest.fixture(autouse=True)
def seeded() -> object:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_forward_is_the_identity_and_backward_turns_around() -> None:
    x = torch.randn(3, 4, requires_grad=True)
    weights = torch.randn(3, 4)
    assert torch.equal(reverse_gradient(x, 0.3), x)
    (weights * reverse_gradient(x, 0.3)).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, -0.3 * weights)


def test_strength_zero_teaches_nothing() -> None:
    x = torch.randn(2, 4, requires_grad=True)
    domain_loss(DomainClassifier(4), x, torch.randn(2, 4), 0.0).backward()
    assert x.grad is not None and (x.grad == 0).all()


def test_the_classifier_learns_what_the_encoder_unlearns() -> None:
    classifier = DomainClassifier(4)
    a, b = torch.randn(6, 4), torch.randn(6, 4)

    def gradients(strength: float | None) -> tuple[Tensor, Tensor]:
        x = a.clone().requires_grad_()
        classifier.zero_grad()
        if strength is None:
            logits = torch.cat([classifier(x), classifier(b)])
            truth = torch.cat([torch.zeros(6), torch.ones(6)])
            nn.functional.binary_cross_entropy_with_logits(logits, truth).backward()
        else:
            domain_loss(classifier, x, b, strength).backward()
        assert x.grad is not None
        return x.grad, classifier.layers[0].weight.grad.clone()

    (plain, of_plain), (turned, of_turned) = gradients(None), gradients(1.0)
    torch.testing.assert_close(turned, -plain)
    torch.testing.assert_close(of_turned, of_plain)


def test_worked_by_hand_and_domains_weigh_the_same() -> None:
    classifier = DomainClassifier(2)
    with torch.no_grad():
        for parameter in classifier.parameters():
            parameter.zero_()
        classifier.layers[2].bias.fill_(math.log(3.0))  # says .75 for the second domain, whatever it sees
    expected = (-math.log(0.25) - math.log(0.75)) / 2
    assert domain_loss(classifier, torch.ones(9, 2), torch.ones(1, 2), 1.0).item() == pytest.approx(expected)


def test_only_the_prefix_is_seen_and_its_length_does_not_matter() -> None:
    classifier = DomainClassifier(3)
    x = torch.randn(4, 5)
    torch.testing.assert_close(classifier(x), classifier(7 * x[:, :3]))


def toy(strength: float, steps: int = 400) -> float:
    """Share of domains that a fresh classifier finds in the prefix of new texts; half is chance.

    The encoder is asked to keep half of what a text says of a person; whether it tells the domain, too, is left open.
    """

    def texts(n: int) -> tuple[Tensor, Tensor]:
        who = torch.randn(n, 6)
        return torch.cat([who, 2 * torch.ones(n, 2)], 1), torch.cat([who, -2 * torch.ones(n, 2)], 1)

    encoder, reader, classifier = nn.Linear(8, 4), nn.Linear(4, 3), DomainClassifier(4)
    step = torch.optim.Adam([p for part in (encoder, reader, classifier) for p in part.parameters()], lr=0.01)
    for i in range(steps):
        first, second = texts(64)
        a, b = encoder(first), encoder(second)
        known = sum((reader(x) - text[:, :3]).square().mean() for x, text in ((a, first), (b, second)))
        loss = known + domain_loss(classifier, a, b, strength * reversal_strength(i / steps))
        step.zero_grad()
        loss.backward()
        step.step()
    fresh = DomainClassifier(4)
    learn = torch.optim.Adam(fresh.parameters(), lr=0.01)
    for _ in range(200):
        with torch.no_grad():
            a, b = (encoder(x) for x in texts(64))
        learn.zero_grad()
        domain_loss(fresh, a, b, 0.0).backward()
        learn.step()
    with torch.no_grad():
        a, b = (encoder(x) for x in texts(1000))
        return ((fresh(a) < 0).float().mean().item() + (fresh(b) > 0).float().mean().item()) / 2


def test_a_fresh_classifier_is_near_chance_after_adversarial_training() -> None:
    assert toy(1.0) < 0.6 < 0.8 < toy(0.0)


def test_strength_rises_from_zero_to_one() -> None:
    values = [reversal_strength(i / 20) for i in range(21)]
    assert values[0] == 0.0 and values == sorted(values) and 0.999 < values[-1] < 1.0


@pytest.mark.parametrize("strength", [-0.1, math.inf, math.nan])
def test_strength_out_of_range(strength: float) -> None:
    with pytest.raises(MatryoError, match="strength of the reversal must be finite and >= 0"):
        reverse_gradient(torch.ones(1), strength)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="dim must be at least 1, got 0"):
        DomainClassifier(0)
    with pytest.raises(ShapeError, match=r"dim must lie within 1\.\.3"):
        domain_loss(DomainClassifier(4), torch.ones(2, 3), torch.ones(2, 3), 1.0)
    with pytest.raises(ShapeError, match="same width"):
        domain_loss(DomainClassifier(2), torch.ones(2, 3), torch.ones(2, 4), 1.0)
