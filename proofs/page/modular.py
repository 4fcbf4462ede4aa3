"""What a network for modular arithmetic does, as figures: spectra, phases of the neurons, margins of all pairs. Numpy only.

All of the quantised network: spectra and phases of its folded tables L, R, U (docs/modular_addition.md, section 1), which are the
embeddings and the unembedding seen by each neuron; whether a pair is right is decided in integers.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from compact_proofs.extract import modular_fold
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_form import Form
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.modular.evaluate import logits
from compact_proofs.proofs.page.figures import Figure, HeatMap, Phases, Spectra
from compact_proofs.proofs.page.numbers import count, decimal
from compact_proofs.proofs.strategies.modular import brute_force
from compact_proofs.proofs.strategies.modular.homogeneity import frequencies_of

MANY = 0.9  # the frequencies that hold so much of the power are named


def mechanism(config: ModularConfig, quantised: QuantisedModular) -> list[Figure]:
    """Return the figures of what the network computes."""
    form = modular_fold.fold(quantised)
    return [spectra(form), phases(form), margins(config, quantised, form)]


def brute_force_operations(quantised: QuantisedModular) -> int:
    """Return the operations of brute force on a network, the fold included."""
    activation = modular_fold.LAYERS[quantised.family][1]
    sizes = quantised.sizes()
    form = brute_force.operations_of(sizes["modulus"], sizes["d_mlp"], activation)
    return modular_fold.operations(quantised) + int(form)


def spectra(form: Form) -> Figure:
    """Draw the power of the tables over tokens and classes by frequency."""
    shares = {"first token": power(form.L)}
    if not np.array_equal(form.L, form.R):
        shares["second token"] = power(form.R)
    else:
        shares = {"tokens": shares["first token"]}
    shares["outputs"] = power(form.U)
    said = " ".join(_spectrum_in_words(name, share) for name, share in shares.items())
    return Figure(
        "spectra",
        "Spectra of embedding and unembedding",
        f"Share of the power at each frequency k of {form.order}, over all {form.width} neurons: of what a neuron gets from each "
        "token before the activation, and of what it writes to the classes. Constants are left out.",
        said,
        Spectra(form.order, shares),
    )


def power(table: np.ndarray) -> Float64[np.ndarray, " frequencies"]:
    """Return the share of the power over rows at the frequencies 1 .. (p-1)/2, all columns together; 0 of a constant table."""
    of_each = (np.abs(np.fft.rfft(table.astype(np.float64), axis=0)[1:]) ** 2).sum(axis=1)
    return of_each / max(float(of_each.sum()), 1e-300)


def _spectrum_in_words(name: str, share: Float64[np.ndarray, " frequencies"]) -> str:
    order = np.argsort(-share, kind="stable")
    needed = int(np.searchsorted(share[order].cumsum(), MANY)) + 1
    named = ", ".join(f"{k + 1} ({share[k]:.0%})" for k in order[: min(needed, 8)])
    return f"Power of the {name}: {needed} of {len(share)} frequencies hold {MANY:.0%}; the strongest are {named}."


def phases(form: Form) -> Figure:
    """Draw the phases of the neurons at their dominant frequencies."""
    data = phases_of(form)
    order = data.by_neurons()
    parts = []
    for k in order[:8]:
        turned = np.abs(data.turned[data.frequency == k])
        s = "s" * (turned.size != 1)
        parts.append(f"{k}: {turned.size} neuron{s}, on average {turned.mean():.0f} degrees away")
    more = f"; {len(order) - 8} more frequencies" if len(order) > 8 else ""
    return Figure(
        "phases",
        "Phases of the neurons",
        "A point for each neuron, in the row of its dominant frequency. Left: the phases of its two inputs added; evenly spread, "
        "a frequency's neurons sum like an integral. Right: its output's phase less that; near 0, all add up.",
        f"Output phases against the inputs' by frequency. {'; '.join(parts)}{more}.",
        data,
    )


def phases_of(form: Form) -> Phases:
    """Compute the phases, in degrees, of the neurons that have a dominant frequency."""
    tokens = np.arange(form.order)
    every = frequencies_of(form)
    neurons = np.flatnonzero(every)
    at = every[neurons], neurons
    first = np.angle(np.fft.rfft(form.L, axis=0)[at])
    second = np.angle(np.fft.rfft(form.R[form.coefficient * tokens % form.order], axis=0)[at])
    output = np.angle(np.fft.rfft(form.U, axis=0)[at])
    turned = np.angle(np.exp(1j * (output - first - second)))
    return Phases(form.order, every[neurons], np.degrees(first + second) % 360, np.degrees(turned))


def margins(config: ModularConfig, quantised: QuantisedModular, form: Form) -> Figure:
    """Draw the logit of the right answer less the largest other one, over all pairs."""
    found = logits(config, {name: matrix.to_float() for name, matrix in quantised.matrices().items()})
    answers = form.answers()[..., None]
    of_answer = np.take_along_axis(found, answers, axis=2)[..., 0]
    np.put_along_axis(found, answers, -np.inf, axis=2)
    margin = of_answer - found.max(axis=2)
    right = int(form.right().sum())
    least = np.unravel_index(margin.argmin(), margin.shape)
    said = [decimal(float(one)) for one in (margin.min(), np.median(margin), margin.max())]
    sign = "+" if config.coefficient == 1 else "−"
    return Figure(
        "margins",
        "Margins of all pairs",
        f"Logit of the right answer (a {sign} b) mod {form.order} less the largest other logit, for each pair. Below 0 the pair "
        "is answered wrong.",
        f"{count(right)} of {count(form.order**2)} pairs are answered right. The margin is {said[0]} at least (a = {least[0]}, "
        f"b = {least[1]}), {said[1]} in the middle, {said[2]} at most.",
        HeatMap(margin, "first token a", "second token b", "margin (logits)", "sequential" if margin.min() >= 0 else "diverging"),
    )
