"""Canonical networks: any network's folded matrices are one; how they are rounded, and which strategies prove something."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compact_proofs.extract.families import network_accuracy, quantise_network
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_fold import fold
from compact_proofs.extract.modular_form import Form, check_form
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.models.errors import CertificateError, ConfigError, InputRefused, ShapeError, UsageError
from compact_proofs.models.modular.card import card_text
from compact_proofs.models.modular.config import CANONICAL, ModularConfig
from compact_proofs.models.modular.purify import fold_float
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.weights import load_model, save_model, weights_to_bytes
from compact_proofs.proofs.attack.networks import KINDS, LAYOUTS, network
from compact_proofs.proofs.attack.oracle import right_count
from compact_proofs.proofs.registry import DEFAULT, silent, strategies, strategy_for

TINY = (
    "modular_quadratic_tiny", "modular_relu_tiny", "modular_pizza_tiny", "modular_subtraction_tiny", "modular_relu_11_purified",
)  # fmt: skip
TABLES = ("P", "Q", "L", "R", "U")


def folded(name: str) -> tuple[ModularConfig, ModularWeights]:
    """A model's matrices multiplied out in floats, as somebody would bring them."""
    config, weights = load_model(name)
    canonical = ModularConfig(
        "folded", f"modular_canonical_{config.activation}", config.modulus, config.operation, False, None, config.d_mlp, None
    )
    matrices = asdict(fold_float(config, weights))
    return canonical, ModularWeights({key: matrices[key].astype(np.float32) for key in TABLES})


def of_integers(form: Form) -> QuantisedModular:
    """The canonical network whose matrices are the tables of a form."""
    tables = {"P": form.P, "Q": form.Q, "L": form.L, "R": form.R, "U": form.U.T}
    tensors = {name: QuantisedMatrix(table, 0) for name, table in tables.items()}
    return QuantisedModular("integers", f"modular_canonical_{form.activation}", form.order, form.coefficient, 8, tensors)


@pytest.mark.parametrize(("family", "activation"), [("modular_canonical_relu", "relu"), ("modular_canonical_square", "square")])
def test_canonical_networks(family, activation, tmp_path):
    config = ModularConfig("tiny", family, 7, "subtraction", False, None, 6, None)
    assert (config.activation, config.coefficient) == (activation, -1)
    with pytest.raises(ConfigError, match=f"tied is True; wanted False for {family}, give L and R, equal if they are"):
        replace(config, tied=True)
    with pytest.raises(ConfigError, match="modulus is 8; wanted an odd number"):
        replace(config, modulus=8)
    with pytest.raises(ConfigError, match=f"d_model is 5; wanted null, {family} has none"):
        replace(config, d_model=5)
    rng = np.random.default_rng(0)
    weights = ModularWeights({name: rng.normal(size=shape).astype(np.float32) for name, shape in config.shapes().items()})
    path = save_model(config, weights, tmp_path, card_text(config, weights, []))
    loaded, found = load_model(path)
    assert loaded == config
    for name, matrix in weights.matrices().items():
        np.testing.assert_array_equal(found[name], matrix)
    form = {"relu": "relu(L[a] + R[b]) U", "square": "(L[a] + R[b])^2 U"}[activation]
    assert f"| network | canonical form P[a] + Q[b] + {form}; d_mlp 6 |" in path.with_suffix(".md").read_text()
    path.with_suffix(".safetensors").write_bytes(weights_to_bytes(ModularWeights(weights.matrices() | {"U": weights["U"].T})))
    with pytest.raises(ShapeError, match=r"tensor U: got shape \(7, 6\), wanted \(6, 7\) from modulus=7 d_mlp=6"):
        load_model(path)


@given(st.integers(0, 10**6), st.sampled_from([one for one in range(len(KINDS)) if KINDS[one].startswith("modular ")]))
def test_the_integers_of_any_network_are_a_canonical_network_with_the_same_count(turn, kind):
    """Coq: Modular.CanonicalFacts.canonical_count. By the specification alone, layer by layer."""
    model = network(turn * len(KINDS) + kind)[1]
    try:
        form = fold(model)
    except InputRefused:
        return
    canonical = of_integers(form)
    assert right_count(canonical) == right_count(model)
    again = fold(canonical)
    for table in TABLES:
        np.testing.assert_array_equal(getattr(again, table), getattr(form, table))


def test_all_layouts_come_in_that_test():
    seen = {network(turn * len(KINDS) + KINDS.index("modular random"))[1].layout for turn in range(len(LAYOUTS))}
    assert seen == set(LAYOUTS) and {f"modular_canonical_{one}" for one in ("relu", "square")} == set(CANONICAL) <= seen


@pytest.mark.parametrize("name", TINY)
def test_folded_matrices_do_as_well_as_the_network(name):
    config, weights = folded(name)
    quantised = quantise_network(config, weights)
    assert quantised.layout == config.family and quantised.sizes()["d_mlp"] == config.d_mlp
    found = network_accuracy(config, weights, quantised)
    true = network_accuracy(*load_model(name), quantise_network(*load_model(name)))
    assert found.float_network.right == true.float_network.right
    assert found.quantised.right == right_count(quantised) == found.float_network.right
    assert found.disagreement.count == 0
    fitting = [one for one in strategies("modular").values() if one.families is None or config.family in one.families]
    proved = {one.name: one.find(quantised, DEFAULT, silent).proved for one in fitting}
    assert proved["brute_force"] == found.quantised.right == proved["low_rank_unembedding"]
    assert all(count <= found.quantised.right for count in proved.values())
    for other in {"second_moment", "relu_homogeneity", "relu_homogeneity_l1"} & set(proved):
        assert proved[other] == found.quantised.right
    check_form(fold(quantised))


def test_strategies_of_canonical_networks():
    of_family = {
        family: [one.name for one in strategies("modular").values() if one.families is None or family in one.families]
        for family in CANONICAL
    }
    assert set(of_family["modular_canonical_square"]) == {"second_moment", "low_rank_unembedding", "brute_force"}
    assert set(of_family["modular_canonical_relu"]) == {
        "relu_homogeneity_l1", "low_rank_unembedding", "relu_homogeneity", "quadrature", "brute_force",
    }  # fmt: skip
    for family in CANONICAL:
        assert strategy_for(family).name == "low_rank_unembedding"
    with pytest.raises(UsageError, match="second_moment proves nothing of a modular_canonical_relu network; valid: relu_homog"):
        strategy_for("modular_canonical_relu", "second_moment")


def test_second_moment_wants_no_direct_path():
    config, weights = folded("modular_quadratic_tiny")
    changed = ModularWeights(weights.matrices() | {"Q": np.eye(config.modulus, dtype=np.float32)})
    chosen = strategy_for(config.family, "second_moment")
    assert chosen.find(quantise_network(config, weights), DEFAULT, silent).proved == 49
    with pytest.raises(CertificateError, match=r"^Refused \(Wrong_table Second_direct\): a direct path, wanted none"):
        chosen.find(quantise_network(config, changed), DEFAULT, silent)


def quantised_with(**changed) -> dict[str, QuantisedMatrix]:
    config, weights = folded("modular_relu_tiny")
    W = weights.matrices() | {key: np.broadcast_to(np.float32(value), weights[key].shape) for key, value in changed.items()}
    return quantise_network(config, ModularWeights(W)).matrices()


def test_left_and_right_share_a_scale():
    _, weights = folded("modular_relu_tiny")
    small = weights["L"] / 64
    found = quantised_with(L=small)
    assert found["L"].scale_bits == found["R"].scale_bits == quantised_with()["R"].scale_bits
    assert 0 < np.abs(found["L"].ints).max() <= 2
    assert np.abs(found["L"].to_float() - small).max() <= 2.0 ** -(found["L"].scale_bits + 1)


def test_the_noise_of_a_direct_path_becomes_zero_and_no_unit_is_finer_than_that_of_the_neurons():
    noise = np.random.default_rng(0).normal(scale=1e-9, size=(7, 7))
    plain, found = quantised_with(), quantised_with(P=noise, Q=0.01)
    unit = plain["L"].scale_bits + plain["U"].scale_bits
    assert not found["P"].ints.any()
    assert found["Q"].scale_bits == unit and (found["Q"].ints == round(0.01 * 2**unit)).all()
    assert quantised_with(P=3.0)["P"].scale_bits == 5  # the largest entry alone decides
    assert quantised_with(P=noise, U=0)["P"].ints.any()  # then the direct path is all there is
