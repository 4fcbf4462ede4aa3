"""The JSON config: what it may say of a network, what the theory does not cover, and what is no config at all."""

import pytest

from compact_proofs.models.errors import ConfigError, OutsideTheory
from compact_proofs.models.importing.importer import import_model


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_layers": 2}, "n_layers is 2: the theory covers one layer, .*: train a network with n_layers=1$"),
        ({"n_heads": 4}, "n_heads is 4: the theory covers one head, .*: train a network with n_heads=1$"),
        ({"normalization_type": "LNPre"}, "normalization_type is 'LNPre': the theory covers no LayerNorm"),
        ({"normalization_type": "RMS"}, "normalization_type is 'RMS': .*: train a network with normalization_type=None$"),
        ({"attn_only": False, "act_fn": "gelu"}, "attn_only is false: the theory of max_of_k covers attention-only"),
        ({"positional_embedding_type": "rotary"}, "positional_embedding_type is 'rotary': the theory covers learned positions"),
        ({"positional_embedding_type": "shortformer"}, "'shortformer': the theory covers learned positions that are added"),
        ({"attention_dir": "backwards"}, "attention_dir is 'backwards': the theory covers 'causal' and 'bidirectional'"),
        ({"use_local_attn": True}, "use_local_attn is true: the theory covers attention to all positions, not to a window"),
        ({"attn_scores_soft_cap": 50.0}, r"attn_scores_soft_cap is 50.0: the theory covers no soft cap: train .*_cap=-1"),
        ({"output_logits_soft_cap": 30}, "output_logits_soft_cap is 30: the theory covers no soft cap"),
        ({"d_vocab_out": 7}, "d_vocab_out is 7 and d_vocab 8: the answer of max_of_k is one of the tokens"),
        ({"n_heads": 4, "n_layers": 2}, r"with n_layers=1\. Nor does it cover: n_heads is 4\.$"),
    ],
)
def test_config_outside_the_theory(importing, state, changes, message):
    importing.refused(state, OutsideTheory, r"model\.json: .*" + message, **changes)


@pytest.mark.parametrize("cap", [None, -1, -1.0])
@pytest.mark.parametrize("direction", ["causal", "bidirectional"])
def test_config_inside_the_theory(importing, state, cap, direction):
    importing(state, attention_dir=direction, attn_scores_soft_cap=cap, output_logits_soft_cap=cap, act_fn="relu", d_mlp=24)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"not JSON \(Expecting .*\); `compact-proofs import --example-config LAYOUT` prints an example"),
        ("\xff", r"not JSON \('utf-8' codec"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "config is list, wanted an object"),
        ('{"layout": "plain", "layout": "plain"}', "config has the key 'layout' twice; which one counts"),
        ("{}", "config lacks layout; wanted one of: transformer_lens, transformer_lens_4, plain"),
        ('{"layout": "flax"}', "config: layout is 'flax'; wanted one of: transformer_lens, transformer_lens_4, plain"),
        ('{"layout": "plain"}', "config lacks family; wanted one of: max_of_k, modular_quadratic"),
        ('{"layout": ["plain"]}', r"config: layout is \['plain'\]; wanted one of"),
        ('{"layout": "plain", "family": "induction"}', "config: family is 'induction'; wanted one of: max_of_k, modular"),
        (
            '{"layout": "transformer_lens", "family": "modular_relu"}',
            "config: family is 'modular_relu'; wanted one of: max_of_k$",
        ),
        (
            '{"layout": "plain", "family": "max_of_k", "n_ctx": 3}',
            r"config lacks d_vocab \(such as 64\), d_model \(such as 32\), d_head \(such as 32\), attn_scale \(such as 5.6\d*\); "
            r"there are no defaults, `compact-proofs import --example-config plain:max_of_k` prints all keys",
        ),
    ],
)
def test_configs_that_are_none(importing, state, text, message):
    file, config = importing.write(state)
    config.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"model\.json: " + message):
        import_model(file, config, "mine")


def test_missing_fields_all_at_once(importing, state):
    for key in ("n_heads", "attn_only", "d_model", "normalization_type"):
        del importing.config[key]
    message = (
        r"config lacks n_heads \(usually 1\), d_model \(such as 32\), attn_only \(usually true\), "
        r"normalization_type \(usually null\); there are no defaults"
    )
    importing.refused(state, ConfigError, message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_heads": "1"}, r"n_heads is '1'; wanted an integer >= 1 \(usually 1\)"),
        ({"d_model": 32.0}, r"d_model is 32.0; wanted an integer >= 1 \(such as 32\)"),
        ({"d_vocab": True}, "d_vocab is True; wanted an integer >= 1"),
        ({"d_mlp": 0}, r"d_mlp is 0; wanted an integer >= 1 or null \(usually null\)"),
        ({"attn_only": "yes"}, r"attn_only is 'yes'; wanted true or false \(usually true\)"),
        ({"attn_only": 1}, "attn_only is 1; wanted true or false"),
        ({"act_fn": 3}, "act_fn is 3; wanted text or null"),
        ({"attn_scale": float("nan")}, "attn_scale is nan; wanted a finite number or null"),
        ({"attn_scale": 10**400}, "attn_scale is 1000"),
        ({"positional_embedding_type": None}, "positional_embedding_type is None; wanted text"),
        ({"nheads": 1}, "config has the unknown key 'nheads'; did you mean 'n_heads'"),
        ({"colour": "red"}, "config has the unknown key 'colour'; known: n_layers, "),
    ],
)
def test_wrong_values(importing, state, changes, message):
    importing.refused(state, ConfigError, message, **changes)


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ([], "probe is \\[\\]; wanted an object with the lists"),
        ({"tokens": [], "logits": []}, "probe has no two lists of equal length"),
        ({"tokens": [[0, 0, 0]], "logits": []}, "probe has no two lists of equal length"),
        ({"tokens": 3, "logits": 3}, "probe has no two lists of equal length"),
        ({"tokens": [[0, 8, 0]], "logits": [[0] * 8]}, r"probe: row 0 of tokens is \[0, 8, 0\]; wanted 3 integers in 0..7"),
        ({"tokens": [[0, 1]], "logits": [[0] * 8]}, r"row 0 of tokens .* 0..7; every row has 2: is n_ctx right\?"),
        ({"tokens": [[0, 1.0, 0]], "logits": [[0] * 8]}, "row 0 of tokens"),
        ({"tokens": [[0, 1, 0]], "logits": [[0] * 7]}, "row 0 of logits is .*; wanted 8 finite numbers"),
        ({"tokens": [[0, 1, 0]], "logits": [[0] * 7 + [float("nan")]]}, "row 0 of logits is .*; wanted 8 finite numbers"),
    ],
)
def test_wrong_probes(importing, state, probe, message):
    importing.refused(state, ConfigError, message, probe=probe)
