"""The command line: what it prints where, and one message with its exit code for everything that goes wrong."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compact_proofs.models.errors import TimeLimit
from compact_proofs.models.weights import ZOO
from compact_proofs.proofs import cli, coqrun, pipeline
from compact_proofs.proofs.commands import listing, options
from compact_proofs.proofs.registry import GROUPS, Tuning, strategies
from compact_proofs.proofs.report import duration

MODEL = "max_of_2_tiny"


@pytest.fixture
def toy_only(toy, monkeypatch):
    """The command line with the toy strategy as the only one."""
    monkeypatch.setattr(listing, "strategies", lambda group: {"toy": toy(60)})
    monkeypatch.setattr(options, "strategy_for", lambda family, name: toy(60))


@pytest.fixture
def model_copy(tmp_path):
    """The path of a copy of the tiny model's .json, its weights beside it."""
    for suffix in (".json", ".safetensors"):
        shutil.copy(ZOO / f"{MODEL}{suffix}", tmp_path / f"{MODEL}{suffix}")
    return tmp_path / f"{MODEL}.json"


def fails(capsys, arguments, code):
    """Run the command line, check the exit code and that there is one message and no result; return the message."""
    assert cli.main([str(argument) for argument in arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return "\n".join(line for line in err.splitlines() if not line.startswith("["))


def test_unknown_model_lists_the_valid_ones(capsys, toy_only):
    message = fails(capsys, ["prove", "max_of_9"], 2)
    assert message.startswith("compact-proofs prove: unknown MODEL 'max_of_9'; valid: ")
    assert MODEL in message


def test_unknown_strategy_lists_the_valid_ones(capsys):
    message = fails(capsys, ["prove", MODEL, "--strategy", "magic"], 2)
    assert message.startswith("compact-proofs prove: unknown STRATEGY 'magic'; valid: " + ", ".join(strategies()))
    assert message.endswith("; with --distribution: weighted; of `prove` and `compare` only, without a theorem: z3")


def test_missing_weights(capsys, toy_only, model_copy):
    model_copy.with_suffix(".safetensors").unlink()
    assert "max_of_2_tiny.safetensors: no such file" in fails(capsys, ["prove", model_copy], 3)
    model_copy.unlink()
    assert "max_of_2_tiny.json: no such file" in fails(capsys, ["prove", model_copy], 3)


def test_truncated_weights(capsys, toy_only, model_copy):
    weights = model_copy.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-7])
    message = fails(capsys, ["prove", model_copy], 3)
    assert str(weights) in message and "truncated" in message


def test_weights_that_are_not_finite(capsys, toy_only, model_copy):
    weights = model_copy.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-4] + b"\x00\x00\xc0\x7f")
    message = fails(capsys, ["prove", model_copy], 3)
    assert "is nan, wanted finite numbers" in message and "tensor W_" in message


def test_wrong_shape_names_tensor_got_and_wanted(capsys, toy_only, model_copy):
    model_copy.write_text(model_copy.read_text().replace('"d_vocab": 8', '"d_vocab": 9'))
    message = fails(capsys, ["prove", model_copy], 3)
    assert "tensor W_E: got shape (8, 8), wanted (9, 8)" in message


def test_weight_bits_out_of_range(capsys, toy_only):
    assert "weight_bits is 99; wanted an integer in 4..12" in fails(capsys, ["prove", MODEL, "--weight-bits", 99], 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["improve"], "invalid choice: 'improve'"),
        (["prove", MODEL, "--budget", "-3"], "got '-3', wanted a number of operations, such as 2e7"),
        (["prove", MODEL, "--jobs", "0"], "got '0', wanted an integer >= 1"),
        (["prove", MODEL, "--resolution", "0"], "got '0', wanted an integer >= 1"),
        (["prove", MODEL, "--rank", "-1"], "got '-1', wanted an integer >= 0"),
        (["prove", MODEL, "--near", "x"], "got 'x', wanted an integer >= 0"),
        (["prove", MODEL, "--bands", "0,,1"], "got '0,,1', wanted exponents such as 0,0,1,2: bands of 1, 1, 2 and 4 tokens"),
        (["prove", MODEL, "--job", "1"], "unrecognized arguments: --job"),
        (["train", "m", "--seed", "3-"], "wanted seeds such as 7, 1,2,5 or 0-15"),
        (["train", "m", "--seed", "5-4"], "wanted at least one seed and none twice"),
        (["train", "m", "--seed", "1,1"], "wanted at least one seed and none twice"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_model_by_name_or_by_size(capsys, toy_only):
    assert "wanted a name, or --n-ctx" in fails(capsys, ["prove"], 2)
    assert "wanted a name, or --n-ctx" in fails(capsys, ["prove", MODEL, "--n-ctx", "4"], 2)
    message = fails(capsys, ["prove", "--n-ctx", "7", "--d-vocab", "9", "--seed", "2"], 2)
    assert "no model with K=7, d_vocab=9, seed 2" in message and "make train MODEL=NAME K=7 D_VOCAB=9 SEED=2" in message


def test_a_budget_chooses_the_tuning(capsys, toy_only):
    assert "it chooses these itself" in fails(capsys, ["prove", MODEL, "--budget", "2e7", "--near", "1"], 2)


def test_tuning_that_makes_no_sense(capsys, toy_only):
    assert "near: got 17, wanted an integer from 0 to 16" in fails(capsys, ["prove", MODEL, "--near", "17"], 2)
    assert "bands: got 1,2, wanted 0 first" in fails(capsys, ["prove", MODEL, "--bands", "1,2"], 2)


def test_tuning_reaches_the_search(toy_only, monkeypatch):
    seen = []
    monkeypatch.setattr(pipeline, "prove", lambda model, chosen, how, *rest: seen.append(how) or 1 / 0)
    arguments = ["--resolution", "32", "--bands", "0,0,2", "--rank", "0", "--near", "3"]
    with pytest.raises(ZeroDivisionError):
        cli.main(["prove", MODEL, *arguments])
    assert seen[0].tuning == Tuning(32, (0, 0, 2), 0, 3)
    assert seen[0].command == f"compact-proofs prove {MODEL} --strategy toy --weight-bits 8 {' '.join(arguments)}"


def test_seeds():
    assert options.seeds("7") == [7]
    assert options.seeds("1,5,8-10") == [1, 5, 8, 9, 10]


def test_no_coq(capsys, toy_only, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    message = fails(capsys, ["prove", MODEL, "--out", tmp_path], 4)
    assert message.startswith("compact-proofs prove: coqc is not on the PATH; install Coq 8.16.1, on Debian 12 as root: apt-get")


def test_coq_8_16_0_is_refused_by_name(capsys, toy_only, monkeypatch, tmp_path):
    (tmp_path / "coqc").write_text("#!/bin/sh\necho 8.16.0 4.13.1\n")
    (tmp_path / "coqc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert "Coq 8.16.0 is refused" in fails(capsys, ["prove", MODEL, "--out", tmp_path], 4)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted; nothing unfinished is left"),
        (TimeLimit("coqc Theorem.v ran past its limit of 1 s"), 5, "ran past its limit"),
        (OSError(28, "No space left on device", "build"), 1, "No space left on device"),
        (ModuleNotFoundError("no torch", name="torch"), 4, "the Python package torch is missing; pip install"),
    ],
)
def test_other_ends(capsys, toy_only, monkeypatch, error, code, message):
    def fail(*arguments, **named):
        raise error

    monkeypatch.setattr(pipeline, "prove", fail)
    assert message in fails(capsys, ["prove", MODEL], code)


def test_a_fault_of_ours_is_not_hidden(toy_only, monkeypatch):
    def fail(*arguments, **named):
        raise ModuleNotFoundError("gone", name="compact_proofs.extract.gone")

    monkeypatch.setattr(pipeline, "prove", fail)
    with pytest.raises(ModuleNotFoundError):
        cli.main(["prove", MODEL])


def test_report_before_proof(capsys, toy_only, tmp_path):
    message = fails(capsys, ["report", MODEL, "--strategy", "toy", "--out", tmp_path], 2)
    assert message.endswith("does not exist; run `compact-proofs prove` first")


@pytest.mark.coq
def test_prove_check_report(capsys, toy_only, options, monkeypatch, tmp_path):
    """Result on stdout, progress on stderr; the report read later is the same."""
    monkeypatch.setattr(coqrun, "theory_root", lambda out: options.root)
    monkeypatch.setattr(pipeline, "brute_force_seconds", lambda *arguments: 1234.0)
    assert cli.main(["prove", MODEL, "--out", str(tmp_path / "build")]) == 0
    out, err = capsys.readouterr()
    assert "at least 60 of 64 sequences, 93.75 %, are answered right" in out
    assert "Theorem accuracy : (60 <= correct_count network)%Z." in out
    rows = ("quantised network", "float network", "certificate", "operations", "seconds", "would take 1,234 s", "rests on")
    for word in rows:
        assert word in out
    assert "Theorem.v" in "".join(out.split())  # long paths are folded
    assert [line[:5] for line in err.splitlines()] == [f"[{stage}/8]" for stage in range(1, 9)]

    assert cli.main(["report", MODEL, "--strategy", "toy", "--out", str(tmp_path / "build")]) == 0
    assert capsys.readouterr().out == out
    assert cli.main(["report", MODEL, "--strategy", "toy", "--out", str(tmp_path / "build"), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["proved_correct"] == "60"
    assert value["command"] == f"compact-proofs prove {MODEL} --strategy toy --weight-bits 8"

    assert cli.main(["check", MODEL, "--out", str(tmp_path / "build")]) == 0
    assert "Coq accepts: at least 60 of 64" in capsys.readouterr().out
    assert cli.main(["theory", "--coqchk"]) == 0
    assert "coqchk: 1 modules accepted" in capsys.readouterr().out


def test_extract(capsys, tmp_path):
    assert cli.main(["quantise", MODEL, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "of 64 inputs right" in out
    written = {path.name for path in (tmp_path / MODEL).iterdir()}
    assert written == {"quantised.safetensors", "Weights.v", "right.smt2", "wrong.smt2"}
    assert {Path(line).name for line in out.splitlines()[3:]} == written


def test_list(capsys, toy_only):
    assert cli.main(["list"]) == 0
    out = capsys.readouterr().out
    assert f"{MODEL:26}  max_of_k: K=2 d_vocab=8 d_model=8 d_head=8, 64 inputs" in out
    assert "toy                     for tests" in out
    assert cli.main(["list", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["strategies"] == dict.fromkeys(GROUPS, {"toy": "for tests"})
    assert value["models"][MODEL]["n_ctx"] == 2


def test_progress_off_a_terminal_is_sparse(capsys, monkeypatch):
    progress = options.Progress()
    for done in range(100):
        progress("search", done, 100)
    assert capsys.readouterr().err == ""
    progress.next_line = 0
    progress("search", 99, 1000)
    assert capsys.readouterr().err == "      search: 99 of 1,000\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress("search", 1, 2)
    progress.say("[1/2] next")
    assert capsys.readouterr().err == "\r\x1b[K      search: 1 of 2\r\x1b[K[1/2] next\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_with_130_and_no_traceback(tmp_path, number, wait_for_end):
    """A real process, stopped by Ctrl-C and by kill while a child runs."""
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background ignores it
        "import sys; from pathlib import Path; from compact_proofs.proofs import cli, pipeline, coqrun\n"
        "from compact_proofs.proofs.commands import check\n"
        "def wait(*arguments, **named):\n"
        f"    coqrun.run(['sh', '-c', 'echo $$ > pid; exec sleep 100'], Path({str(tmp_path)!r}), coqrun.Limits(), 'sleep')\n"
        "pipeline.check = wait; check.chosen_strategy = lambda *arguments: None\n"
        f"sys.exit(cli.main(['check', '{MODEL}']))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            assert time.monotonic() < deadline, "the child has not started"
            time.sleep(0.02)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "compact-proofs check: interrupted; nothing unfinished is left to look finished\n"
    wait_for_end(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("command", [["-m", "compact_proofs.proofs"], [f"{Path(sys.executable).parent}/compact-proofs"]])
def test_both_ways_to_call_it(command):
    done = subprocess.run([sys.executable, *command, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    for name in ("list", "train", "quantise", "prove", "check", "report", "bench", "doctor"):
        assert f"\n    {name} " in done.stdout


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.13, "0.1 s"), (796.4, "796 s"), (70211.4, "20 hours"), (1e6, "12 days"), (1.4e14, "4.4e+06 years"), (4e9, "127 years")],
)
def test_durations_people_can_read(seconds, text):
    assert duration(seconds) == text


def test_a_strategy_that_does_not_fit_the_network(capsys):
    message = fails(capsys, ["prove", "modular_relu_tiny", "--strategy", "second_moment"], 2)
    assert "strategy second_moment proves nothing of a modular_relu network; valid: low_rank_unembedding, " in message
    message = fails(capsys, ["prove", "modular_relu_tiny", "--strategy", "cubic"], 2)
    assert message.startswith("compact-proofs prove: STRATEGY cubic is for networks of max_of_k; valid: second_moment, ")
    message = fails(capsys, ["prove", "modular_relu_tiny", "--budget", "1e6"], 2)
    assert "modular_relu_tiny is no max_of_k network" in message


def test_purify(capsys, tmp_path):
    assert cli.main(["purify", "modular_relu_11", "--out", str(tmp_path)]) == 0
    written = tmp_path / "models" / "modular_relu_11_purified.json"
    assert capsys.readouterr().out == f"{written}\n"
    shipped = ZOO / "modular_relu_11_purified.json"
    assert written.read_bytes() == shipped.read_bytes()
    assert "float network before (modular_relu_11)" in written.with_suffix(".md").read_text()
    assert "wanted a modular-arithmetic network" in fails(capsys, ["purify", MODEL], 3)


def test_train_refuses_an_even_modulus(capsys, tmp_path):
    pytest.importorskip("torch")
    for modulus, wanted in (("8", "wanted an odd number"), ("1", "wanted an integer >= 3")):
        arguments = ["train", "mine", "--family", "modular_relu", "--modulus", modulus, "--out", tmp_path]
        assert wanted in fails(capsys, arguments, 3)
    assert not (tmp_path / "models").exists()


def test_extract_of_modular_arithmetic(capsys, tmp_path):
    assert cli.main(["quantise", "modular_relu_tiny", "--out", str(tmp_path)]) == 0
    names = {path.name for path in (tmp_path / "modular_relu_tiny").iterdir()}
    assert names == {"quantised.safetensors", "Weights.v", "right.smt2", "wrong.smt2"}
    assert "quantised network" in capsys.readouterr().out


ROOT = ZOO.parents[1]
SHORT = {"CHOSEN": {"MODEL", "K", "D_VOCAB", "SEED"}, "OF_DISTRIBUTION": {"DISTRIBUTION"}, "MODELS": {"MODELS", "MODEL"}}


@pytest.mark.parametrize("settings", [["prove", "Model=max_of_k"], ["prove", "STRATEGIES=cubic"], ["compare", "STRATEGY=cubic"]])
def test_a_setting_that_make_would_not_look_at_is_refused(settings):
    if shutil.which("make") is None:
        pytest.skip("no make here")
    done = subprocess.run(["make", "-n", *settings], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert f"{settings[0]} does not take {settings[1].partition('=')[0]}; it takes JOBS OUT PYTHON " in done.stderr


def test_targets_take_the_settings_that_they_look_at():
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    settings = dict(re.findall(r"^([A-Z_]+) = ?(.*)$", text, re.M))
    groups = {f"$({name})": settings[name] for name in ("NETWORK", "TUNING")}
    for target, taken in re.findall(r"^TAKES_(\w+) = (.*)$", text, re.M):
        for group, names in groups.items():
            taken = taken.replace(group, names)
        [recipe] = re.findall(rf"^{target}: (.*\n(?:\t.*\n)*)", text, re.M)
        used = set(re.findall(r"[$( ,]([A-Z_]+)\)", recipe)) & settings.keys()
        looked_at = set().union(*(SHORT.get(name, {name}) for name in used)) - {"JOBS", "OUT", "PYTHON", "VENV", "BIN", "CLI"}
        assert looked_at == set(taken.split()), target
