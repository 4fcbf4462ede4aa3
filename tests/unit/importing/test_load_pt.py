"""Files of torch.save: where the state dict lies in them, and that nothing in them is ever run."""

import pickle

import numpy as np
import pytest

from compact_proofs.models.errors import WeightsError
from compact_proofs.models.importing.importer import import_model

torch = pytest.importorskip("torch")


def torch_state(state):
    return {name: torch.from_numpy(np.array(tensor)) for name, tensor in state.items()}


@pytest.fixture
def import_object(importing, state):
    """Save any object as model.pt and import it."""

    def run(value, **how):
        file, config = importing.write(state)
        torch.save(value, file.with_suffix(".pt"), **how)
        return import_model(file.with_suffix(".pt"), config, "mine")

    return run


class Exploit:
    """Leaves a mark if it is ever unpickled in full."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return exec, (f"open({str(self.mark)!r}, 'w').close()",)


@pytest.mark.parametrize("place", ["beside", "instead", "plain pickle"])
def test_code_is_not_run(importing, state, tmp_path, place):
    mark = tmp_path / "mark"
    file, config = importing.write(state)
    file = file.with_suffix(".pt")
    if place == "plain pickle":
        file.write_bytes(pickle.dumps(Exploit(mark), protocol=2))
    else:
        torch.save(Exploit(mark) if place == "instead" else torch_state(state) | {"x": Exploit(mark)}, file)
    message = r"model\.pt: (holds more than tensors \(\w*\.?exec\)|no file of torch.save)"
    with pytest.raises(WeightsError, match=message) as caught:
        import_model(file, config, "mine")
    assert "torch.save(model.state_dict(), 'model.pt')" in str(caught.value) and "weights_only" not in str(caught.value)
    assert not mark.exists()
    torch.load(file, weights_only=False) if place == "beside" else None
    assert mark.exists() == (place == "beside")  # the exploit does work


@pytest.mark.parametrize("key", ["model", "state_dict", "model_state_dict"])
def test_checkpoints(import_object, state, matrices, key):
    imported = import_object({"step": 3000, key: torch_state(state), "optimizer": {"lr": 0.1}})
    np.testing.assert_array_equal(imported.weights.W_E, matrices["W_E"])
    assert imported.notes == [f"state dict read from '{key}'; not read: optimizer, step"]


def test_parameters_and_the_old_format(import_object, state, matrices):
    parameters = {name: torch.nn.Parameter(one, one.is_floating_point()) for name, one in torch_state(state).items()}
    imported = import_object(parameters, _use_new_zipfile_serialization=False)
    np.testing.assert_array_equal(imported.weights.W_U, matrices["W_U"])
    assert imported.notes == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([torch.ones(2)], "holds list, wanted a state dict"),
        (torch.ones(2), "holds Tensor, wanted a state dict"),
        ({}, "holds nothing; wanted a state dict, or one under exactly one of model, state_dict, model_state_dict"),
        ({"net": {"W": torch.ones(2)}}, "holds net; wanted a state dict, or one under exactly one of"),
        ({"model": {"a": torch.ones(1)}, "state_dict": {"a": torch.ones(1)}}, "holds model, state_dict; wanted"),
        ({"embed.W_E": torch.ones(1), "step": 3}, "'step' holds int, wanted a tensor under a name"),
        ({"embed.W_E": torch.ones(1), 3: torch.ones(1)}, "3 holds Tensor, wanted a tensor under a name"),
        ({"embed.W_E": torch.eye(3).to_sparse()}, r"tensor embed.W_E is no plain tensor \(torch.sparse_coo, cpu\)"),
        ({"embed.W_E": torch.ones(2, device="meta")}, r"tensor embed.W_E is no plain tensor \(torch.strided, meta\)"),
        ({"cfg": {"attn_scale": np.float64(2)}}, r"holds more than tensors \(numpy\S*scalar\)"),
        (torch.nn.Linear(2, 2), r"holds more than tensors \(torch.nn.modules.linear.Linear\)"),
    ],
)
def test_no_state_dict(import_object, value, message):
    with pytest.raises(WeightsError, match=r"model\.pt: " + message):
        import_object(value)


def test_dtypes_that_are_no_weights(import_object, state):
    weights = torch_state(state)
    for dtype, word in ((torch.complex64, "complex64"), (torch.int8, "int8"), (torch.bool, "BOOL")):
        with pytest.raises(WeightsError, match=rf"tensor embed.W_E: got dtype {word}, wanted float32; convert"):
            import_object(weights | {"embed.W_E": weights["embed.W_E"].to(dtype)})


def test_a_tensor_that_claims_to_be_huge(import_object, state):
    """A stride of 0 makes a few bytes a tensor of 10^18 entries; the shape is refused before anything is computed."""
    with pytest.raises(WeightsError.__bases__[0], match=r"embed.W_E: got shape \(1000000000, 1000000000\)"):
        import_object(torch_state(state) | {"embed.W_E": torch.zeros(1).expand(10**9, 10**9)})


def test_garbage_and_torchscript(importing, state, tmp_path):
    _, config = importing.write(state)
    file = tmp_path / "model.pt"
    file.write_bytes(b"hello world, this is no state dict" * 10)
    with pytest.raises(
        WeightsError, match=r"model\.pt: not a whole file of torch.save \(340 bytes\); it is truncated or damaged"
    ):
        import_model(file, config, "mine")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)), file)
    with pytest.raises(WeightsError, match="a TorchScript archive, which holds code, so nothing was loaded"):
        import_model(file, config, "mine")
