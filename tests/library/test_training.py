"""Training: objectives, determinism, kill and resume, several devices, and everything that can go wrong."""

import csv
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from PIL import Image

from course_lib import datasets, evaluation, losses, networks, photos, report, restoration, training
from course_lib.__main__ import main
from course_lib.backend import keras, tf
from course_lib.runs import SIZES, Run, RunError

SMOKE = SIZES["smoke"]


def history(folder):
    """The history as text, without the clock."""
    with open(folder / "history.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A smoke run from beginning to end."""
    return training.train(tmp_path_factory.mktemp("run") / "run", SMOKE)


# What a run leaves behind -------------------------------------------------------------------

def test_a_run_leaves_settings_history_weights_and_pictures_of_every_epoch(finished):
    rows = finished.history
    assert [row["epoch"] for row in rows] == [0, 1, 2] and [row["step"] for row in rows] == [0, 3, 6]
    assert all(np.isfinite(row["content"]) for row in rows[1:])
    for row in rows:
        picture = finished.picture(int(row["epoch"]), photo=1)
        assert picture.shape == (64, 64, 3) and picture.dtype == np.uint8
    assert finished.settings == SMOKE
    assert not list(finished.folder.rglob(".*")), "temporary files are left over"


def test_the_stored_weights_give_the_stored_score(finished):
    """Half precision on disk: the generator of an epoch scores as its history says, to 0.1 dB."""
    blurred, sharp = datasets.held_out("photos", 64, 2, 1)
    generator = networks.generator(**training.generator_arguments(SMOKE))
    restoration.load_weights(generator, finished.weights(2))
    output = photos.to_image(generator(photos.to_network(blurred)).numpy())
    psnr = np.mean([evaluation.psnr(s, o) for s, o in zip(sharp, output)])
    assert psnr == pytest.approx(finished.history[2]["psnr"], abs=0.1)


@pytest.mark.parametrize("network", ["multiscale", "nafnet"])
def test_other_networks_train_and_are_loaded_as_what_they_are(network, tmp_path):
    run = training.train(tmp_path / "run", SMOKE.changed(network=network))
    assert run.history[2]["psnr"] != run.history[0]["psnr"]
    assert restoration.load(run.folder).name == network
    with pytest.raises(ValueError, match="patch is 36.* multiple of"):
        training.train(tmp_path / "other", SMOKE.changed(network="nafnet", patch=36))


def test_the_step_really_trains():
    """The same four pairs again and again: the loss falls well below that of doing nothing."""
    gan = training.DeblurGAN(SMOKE.changed(width=8, schedule="constant"), 120)
    batch = datasets.batch(datasets.source("photos", "train", 32, 1), 0, 0, 4)
    found = [gan.train_on(*batch, number=i)["content"] for i in range(120)]
    assert found[-1] < 0.8 * found[0]


@pytest.mark.parametrize("objective", [name for name in training.OBJECTIVES if name != "content"])
def test_every_adversarial_objective_moves_both_networks(objective):
    gan = training.DeblurGAN(SMOKE.changed(objective=objective, content="l1", critic_steps=2), 10)
    before = [[w.numpy() for w in m.trainable_weights] for m in (gan.generator, gan.critic)]
    batch = np.random.default_rng(0).uniform(-1, 1, (2, 4, 32, 32, 3)).astype(np.float32)
    terms = gan.train_on(*batch, number=0)
    expected = {"content", "critic", "adversarial"} | ({"penalty"} if objective == "wgan-gp" else set())
    assert set(terms) == expected and np.isfinite(list(terms.values())).all()
    for model, old in zip((gan.generator, gan.critic), before):
        assert any(not np.array_equal(a, b.numpy()) for a, b in zip(old, model.trainable_weights))
    assert int(gan.optimizer.iterations) == 1 and int(gan.critic_optimizer.iterations) == 2


@pytest.mark.parametrize("objective, activation, batch_statistics", [
    ("report", "sigmoid", True), ("wgan-gp", "linear", False), ("minimax", "sigmoid", True), ("minimax-ns", "sigmoid", True)])
def test_an_objective_has_its_critic_and_a_perceptual_content_loss(objective, activation, batch_statistics):
    gan = training.DeblurGAN(SMOKE.changed(objective=objective, vgg_preprocess=False), 1)
    assert gan.critic.get_layer("dense_1").activation.__name__ == activation
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in gan.critic.layers) == batch_statistics
    assert isinstance(gan.content_loss, losses.Perceptual) and gan.content_loss.scale == 1


def test_the_penalty_has_its_weight():
    batch, after = np.random.default_rng(0).uniform(-1, 1, (2, 4, 32, 32, 3)).astype(np.float32), []
    for penalty in (0.0, 10.0):
        keras.utils.set_random_seed(0)
        gan = training.DeblurGAN(SMOKE.changed(objective="wgan-gp", content="l1", critic_steps=1, penalty=penalty), 10)
        gan.critic_step(*batch, number=0)
        after.append(gan.critic.get_layer("dense").kernel.numpy())
    assert not np.allclose(*after, atol=1e-5)


def test_any_number_of_photographs_is_deblurred():
    gan = training.DeblurGAN(SMOKE, 1)
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(gan.deblur(images), images)       # as a new generator does


def test_the_critic_learns_from_the_generator_as_a_constant():
    """The critic's steps send nothing into the generator: with no weight on either loss it stays."""
    gan = training.DeblurGAN(SMOKE.changed(objective="wgan-gp", content="l1", content_weight=0.0,
                                           adversarial_weight=0.0, critic_steps=1), 10)
    before = [w.numpy() for w in gan.generator.trainable_weights]
    gan.train_on(*np.random.default_rng(0).uniform(-1, 1, (2, 4, 32, 32, 3)).astype(np.float32), number=0)
    for old, new in zip(before, gan.generator.trainable_weights):
        np.testing.assert_array_equal(old, new.numpy())


def test_the_paper_size_is_section_3_2():
    paper = SIZES["paper"]
    for name in ("batch", "epochs", "learning_rate", "beta_1", "beta_2", "epsilon", "patch"):
        assert getattr(paper, name) == report.TRAINING[name]
    assert paper.limit == report.TRAINING["images"] and paper.schedule == "constant" and paper.level == 4
    generator = networks.generator(**training.generator_arguments(paper))
    assert generator.count_params() == report.TABLE_1["Generator"]["parameters"]


SHIPPED = [restoration.folder("level1"), *sorted((photos.DATA / "runs").iterdir())]


@pytest.mark.full
@pytest.mark.parametrize("folder", [
    pytest.param(folder, id=folder.name, marks=[] if folder.name in ("level1", "content") else [pytest.mark.thorough])
    for folder in SHIPPED
])
def test_a_shipped_run_comes_from_its_command(tmp_path, folder):
    """Its command again, stopped after the first epoch: the first rows of its history."""
    command = (folder / "command.txt").read_text().split()
    command[command.index("--run") + 1] = str(tmp_path / "run")
    process = subprocess.Popen([sys.executable, "-m", "course_lib", *command[1:]], cwd=photos.DATA.parent)
    while process.poll() is None and not (tmp_path / "run" / "epochs" / "0001.npz").exists():
        time.sleep(0.2)
    process.terminate()
    assert process.wait(60) == 130
    (before, after), (stored, first) = (list(csv.DictReader(open(path / "history.csv")))[:2] for path in (tmp_path / "run", folder))
    # a network in bfloat16 may round a grey level the other way
    assert float(before["psnr"]) == pytest.approx(float(stored["psnr"]), abs=0.002), "other held-out photographs, or another blur"
    adversary = Run(folder).settings.objective != "content"         # it makes much of a rounding: 3 % have been seen
    assert float(after["content"]) == pytest.approx(float(first["content"]), rel=0.1 if adversary else 0.03)
    assert replace(Run(tmp_path / "run").settings, precision="") == replace(Run(folder).settings, precision="")


STAGES = {name: [restoration.folder(name) / stage for stage in stages] for name, stages in (
    ("level4", ("first", "second", "")), ("level4_report", ("first", "second", "third", "fourth", "")))}
THEN = sorted((restoration.folder("level4_report") / "then").iterdir())     # tried from the fourth on, and not kept


@pytest.mark.parametrize("folder", [*SHIPPED, *sum(STAGES.values(), []), *THEN], ids=lambda folder: folder.name)
def test_the_stored_settings_are_those_of_the_stored_command(monkeypatch, folder):
    asked = []
    monkeypatch.setattr(training, "train", lambda path, settings, *more: asked.append(settings) or Run(folder))
    main((folder / "command.txt").read_text().splitlines()[0].split()[1:])
    assert replace(asked[0], precision="") == replace(Run(folder).settings, precision="")
    assert training.generator_arguments(asked[0]).items() >= json.loads((folder / "settings.json").read_text())["generator"].items()


@pytest.mark.full
@pytest.mark.parametrize("name", STAGES)
def test_the_long_run_scores_what_its_history_says(name):
    """It is too long to repeat. Each stage begins where the one before ended; the weights give the last score."""
    stages = [Run(stage) for stage in STAGES[name]]
    for before, after in zip(stages, stages[1:]):
        if before.settings.level == after.settings.level:
            assert before.history[-1]["psnr"] == pytest.approx(after.history[0]["psnr"], abs=0.02)
    settings, history = stages[-1].settings, stages[-1].history
    blurred, sharp = datasets.held_out(settings.data, settings.held_out_patch, settings.held_out, settings.level)
    model = restoration.load(name)
    psnr = np.mean([evaluation.psnr(s, restoration.deblur(b, model)) for b, s in zip(blurred, sharp)])
    assert psnr == pytest.approx(history[-1]["psnr"], abs=0.05)


# Seeds and resuming -------------------------------------------------------------------------

def test_the_same_seed_gives_the_same_history_and_another_another(finished, tmp_path):
    training.train(tmp_path / "same", SMOKE)
    training.train(tmp_path / "other", SMOKE.changed(seed=1))
    assert history(tmp_path / "same") == history(finished.folder)
    assert history(tmp_path / "other") != history(finished.folder)


@pytest.mark.parametrize("objective, dropout", [("content", 0.5), ("wgan-gp", 0.0)])
def test_an_interruption_changes_nothing(objective, dropout, tmp_path):
    """Stopped after step 2 of 6, in the middle of an epoch, and continued: the same history."""
    settings = SMOKE.changed(objective=objective, dropout=dropout, content="l1", critic_steps=1)
    training.train(tmp_path / "whole", settings)
    messages = []

    def interrupt(progress):
        messages.append(progress.message)
        if progress.step == 2 and not progress.message:
            signal.raise_signal(signal.SIGINT)      # os.kill would end the process on Windows

    stopped = training.train(tmp_path / "parts", settings, report=interrupt)
    assert len(stopped.history) == 1 and "Stopped after step" in messages[-1]
    training.train(tmp_path / "parts", settings, resume=True)
    assert history(tmp_path / "parts") == history(tmp_path / "whole")


def test_a_long_epoch_is_kept_on_the_way(finished, tmp_path, monkeypatch):
    """After two minutes, here at once: what is left of a run that died in step 3 goes on with step 3."""
    def die(progress):
        if progress.step == 3:
            raise RuntimeError

    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1)
    with pytest.raises(RuntimeError):
        training.train(tmp_path / "run", SMOKE, report=die)
    steps = []
    training.train(tmp_path / "run", SMOKE, resume=True, report=lambda progress: steps.append(progress.step))
    assert steps[0] == 2 and history(tmp_path / "run") == history(finished.folder)


def start(folder, log):
    """The command line as a process of its own, training a run of 40 steps."""
    command = [sys.executable, "-m", "course_lib", "train", "--run", str(folder), "--size", "smoke", "--resume",
               "--set", "epochs=8", "steps=5"]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


@pytest.mark.full
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.thorough)])
def test_killed_at_random_moments_and_resumed(kills, tmp_path):
    """SIGKILL, which no program can catch, again and again: equal to an undisturbed run but for the clock."""
    with open(tmp_path / "log", "w") as log:
        assert start(tmp_path / "whole", log).wait(300) == 0, (tmp_path / "log").read_text()
        moments = random.Random(kills)
        for _ in range(kills):
            process = start(tmp_path / "killed", log)
            deadline, size = time.time() + 120, len(list((tmp_path / "killed").rglob("*")))
            while process.poll() is None and time.time() < deadline and len(list((tmp_path / "killed").rglob("*"))) == size:
                time.sleep(0.02)            # until it has written something this time
            time.sleep(moments.uniform(0, 0.5))
            process.kill()
            process.wait()
        assert start(tmp_path / "killed", log).wait(300) == 0, (tmp_path / "log").read_text()
    assert history(tmp_path / "killed") == history(tmp_path / "whole")
    assert len(history(tmp_path / "killed")) == 9


@pytest.mark.full
def test_an_adversarial_run_starts_from_a_content_checkpoint(finished, tmp_path):
    settings = SMOKE.changed(objective="wgan-gp", content="l1", critic_steps=1, start_from=str(finished.folder), epochs=1)
    rows = training.train(tmp_path / "run", settings).history
    assert rows[0]["psnr"] == pytest.approx(finished.history[-1]["psnr"], abs=0.1)


def test_a_wider_run_starts_where_a_narrow_one_ended(finished, tmp_path):
    rows = training.train(tmp_path / "run", SMOKE.changed(width=2 * SMOKE.width, start_from=str(finished.folder), epochs=1)).history
    assert rows[0]["psnr"] == pytest.approx(finished.history[-1]["psnr"], abs=0.1)


def test_stored_statistics_stay_and_everything_else_learns(finished, tmp_path):
    settings = SMOKE.changed(statistics="stored", start_from=str(finished.folder), epochs=1)
    run = training.train(tmp_path / "run", settings)
    before, after = restoration.load(finished.folder), restoration.load(run.folder)
    assert run.history[0]["psnr"] == pytest.approx(finished.history[-1]["psnr"], abs=0.1)
    for old, new in zip(before.weights, after.weights):
        assert np.array_equal(old, new) == ("moving" in old.path), old.path


def test_a_warm_up_raises_the_rate_and_a_bound_shortens_the_gradient():
    gan = training.DeblurGAN(SMOKE.changed(schedule="cosine", warmup=4, clip=1e-6, learning_rate=1e-2), total_steps=8)
    rates = []
    for step in range(9):
        gan.optimizer.iterations.assign(step)
        rates.append(float(gan.optimizer.learning_rate))
    np.testing.assert_allclose(rates[:5], [0, 0.0025, 0.005, 0.0075, 0.01], rtol=1e-5)
    assert rates[4:] == sorted(rates[4:], reverse=True) and rates[8] == pytest.approx(1e-4, rel=1e-3)
    assert gan.optimizer.global_clipnorm == 1e-6


def test_the_critics_rate_is_the_generators_at_every_step():
    settings = SMOKE.changed(objective="wgan-gp", critic_steps=5, schedule="cosine", warmup=4, learning_rate=1e-2)
    gan = training.DeblurGAN(settings, total_steps=8)
    for step in range(9):
        gan.optimizer.iterations.assign(step)
        gan.critic_optimizer.iterations.assign(5 * step)
        assert float(gan.critic_optimizer.learning_rate) == pytest.approx(float(gan.optimizer.learning_rate), rel=1e-5)


@pytest.mark.parametrize("changes, words", [({"warmup": 3, "schedule": "constant"}, "only the schedule cosine has"),
                                            ({"statistics": "moving"}, 'use "batch" or "stored"'),
                                            ({"content": "mse"}, 'use "l1", "psnr" or "perceptual"'),
                                            ({"objective": "gan"}, "use one of content, report,"),
                                            ({"schedule": "step"}, 'use "constant" or "cosine"'),
                                            ({"network": "nafnet", "normalisation": "instance"}, "normalisation is 'instance', which only"),
                                            ({"network": "nafnet", "statistics": "stored"}, "statistics is 'stored', which only the network"),
                                            ({"network": "multiscale", "output": "halved"}, "network=report, or output=residual"),
                                            ({"network": "multiscale", "dropout": 0.5}, "network=report, or dropout=0.0"),
                                            ({"statistics": "stored", "normalisation": "layer"}, "set normalisation=batch, or statistics=batch")])
def test_a_setting_that_cannot_be_is_named(changes, words):
    with pytest.raises(ValueError, match=words):
        training.DeblurGAN(SMOKE.changed(**changes), total_steps=8)


# Several devices ----------------------------------------------------------------------------

SPREAD = """
import sys
from course_lib.backend import tf
if sys.argv[2] == "mirrored":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from course_lib import runs, training
settings = runs.SIZES["smoke"].changed(objective=sys.argv[3], content="l1", critic_steps=2, epochs=3, steps=1)
training.train(sys.argv[1], settings, strategy_name=sys.argv[2])
"""


def spread_training(folder, strategy, objective):
    """Train in a process of its own; two that share the work for "multiworker"."""
    command = [sys.executable, "-c", SPREAD, str(folder), strategy, objective]
    if strategy == "multiworker":
        on_two_hosts(command)
    else:
        subprocess.run(command, check=True)


def on_two_hosts(command):
    """Run a command twice, as the two workers of a cluster on this machine; both must succeed."""
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    hosts = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    tasks = [json.dumps({"cluster": {"worker": hosts}, "task": {"type": "worker", "index": i}}) for i in range(2)]
    processes = [subprocess.Popen(command, env=os.environ | {"TF_CONFIG": task}) for task in tasks]
    try:
        assert [process.wait(300) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()


@pytest.mark.full
@pytest.mark.parametrize("strategy, objective", [
    ("mirrored", "report"), ("multiworker", "wgan-gp"),
    *(pytest.param("mirrored", objective, marks=pytest.mark.thorough) for objective in ("content", "wgan-gp")),
])
def test_two_devices_give_the_history_of_one(strategy, objective, tmp_path):
    """The same global batch, batch normalisation over both devices or hosts: equal to rounding.

    Three steps, compared one by one: Adam makes a full step of a gradient that is nothing but rounding, so
    that differences grow from 1e-7 by a factor of ten or so a step.
    """
    spread_training(tmp_path / "one", "none", objective)
    spread_training(tmp_path / "two", strategy, objective)
    one, two = Run(tmp_path / "one").history, Run(tmp_path / "two").history
    assert len(one) == len(two) == 4
    for a, b in zip(one, two):
        for name in set(a) - {"seconds"}:
            assert a[name] == pytest.approx(b[name], rel=1e-3, abs=1e-3), name


STOPPED = """
import json, os, signal, sys
from course_lib import runs, training
if json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 1 and sys.argv[2] == "stop":
    train_on = training.DeblurGAN.train_on
    def stopped(gan, *batch, number):
        if number == 1:
            signal.raise_signal(signal.SIGTERM)
        return train_on(gan, *batch, number=number)
    training.DeblurGAN.train_on = stopped
run = training.train(sys.argv[1], runs.SIZES["smoke"], resume=True, strategy_name="multiworker")
assert len(run.history) == (1 if sys.argv[2] == "stop" else 3), run.history
"""


@pytest.mark.full
def test_a_signal_to_one_host_stops_all_and_they_resume(tmp_path):
    """The second of two hosts, which does not write the run, is told to stop during step 2 of 6."""
    for name in ("stop", "go on"):
        on_two_hosts([sys.executable, "-c", STOPPED, str(tmp_path / "run"), name])
    rows = Run(tmp_path / "run").history
    assert [row["step"] for row in rows] == [0, 3, 6]


# When it goes wrong -------------------------------------------------------------------------

def test_a_used_folder_is_not_overwritten(finished):
    with pytest.raises(RunError, match="already holds a run.*--resume"):
        training.train(finished.folder, SMOKE)


def test_contradicting_settings_are_named(finished):
    with pytest.raises(RunError, match="seed is 5, there 0"):
        training.train(finished.folder, SMOKE.changed(seed=5), resume=True)


def test_precision_as_asked_for_can_be_resumed(tmp_path):
    settings = SMOKE.changed(precision="bfloat16", epochs=1, steps=None, limit=6)
    assert training.train(tmp_path / "run", settings).history[1]["step"] == 2, "of 4 pairs each: a full batch more than 6 need"
    assert len(training.train(tmp_path / "run", settings, resume=True).history) == 2


def test_files_that_do_not_belong_together_are_named(tmp_path):
    run = training.train(tmp_path / "run", SMOKE)
    (run.folder / "history.csv").unlink()
    with pytest.raises(RunError, match="history.csv.*do not come from one run"):
        training.train(run.folder, SMOKE, resume=True)


def test_a_damaged_checkpoint_is_known_and_nothing_is_lost(tmp_path):
    run = training.train(tmp_path / "run", SMOKE)
    path = run.folder / "checkpoint.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(RunError, match="damaged.*epochs"):
        training.train(run.folder, SMOKE, resume=True)
    assert len(Run(run.folder).history) == 3 and run.weights() == run.weights(2)


def test_a_loss_that_is_no_number_stops_with_advice(tmp_path, monkeypatch):
    monkeypatch.setattr(training.losses, "l1", lambda sharp, output: (sharp - output)[:, 0, 0, 0] / 0.0)
    with pytest.raises(RunError, match=r"step 1: the loss content is (nan|inf|-inf).*after epoch 0.*learning rate"):
        training.train(tmp_path / "run", SMOKE)
    assert (tmp_path / "run" / "epochs" / "0000.npz").exists()


def test_weights_that_are_no_numbers_end_no_epoch(tmp_path, monkeypatch):
    def poisoned(gan, *batch, number):
        gan.generator.weights[0].assign(np.full(gan.generator.weights[0].shape, np.nan))
        return {"content": 0.1}

    monkeypatch.setattr(training.DeblurGAN, "train_on", poisoned)
    with pytest.raises(RunError, match="after step 3: the generator's weights are no longer numbers.*after epoch 0"):
        training.train(tmp_path / "run", SMOKE)
    assert len(Run(tmp_path / "run").history) == 1


def test_too_little_memory_is_one_sentence(tmp_path, monkeypatch):
    def exhausted(gan, *batch, number):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(training.DeblurGAN, "train_on", exhausted)
    with pytest.raises(RunError, match="not enough memory for a step: use a smaller batch"):
        training.train(tmp_path / "run", SMOKE)


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_file_is_no_folder(tmp_path, name):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RunError, match=f"{os.path.basename(name)} is a file, or lies in one, and a run needs a folder"):
        training.train(tmp_path / name, SMOKE)
    assert (tmp_path / "file").read_text() == "not a folder"


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from course_lib import runs, training

def fill(progress):
    if progress.epoch_done and progress.step == 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))

try:
    training.train(sys.argv[1], runs.SIZES["smoke"], report=fill)
except runs.RunError as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes (resource.setrlimit)")
def test_a_full_disk_keeps_what_was_saved(finished, tmp_path):
    """No file may grow past 1 kB after epoch 1: one sentence, epoch 1 complete, and resume finishes the run."""
    result = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path / "run")], capture_output=True, text=True)
    assert result.returncode == 2 and "can't be written" in result.stdout, result.stdout + result.stderr
    assert len(Run(tmp_path / "run").history) == 2
    training.train(tmp_path / "run", SMOKE, resume=True)
    assert history(tmp_path / "run") == history(finished.folder)


def test_an_empty_data_folder_is_named(tmp_path):
    with pytest.raises((ValueError, FileNotFoundError, RunError), match="blur"):
        training.train(tmp_path / "run", SMOKE.changed(data=f"gopro:{tmp_path}"))
    assert not (tmp_path / "run").exists()


def test_a_damaged_photograph_is_named(tmp_path):
    """Found in the middle of training, in a thread of tf.data: still one sentence."""
    for kind in ("blur", "sharp"):
        (tmp_path / "gopro" / kind / "images").mkdir(parents=True)
        for i in range(40):
            Image.new("RGB", (80, 80), (i, 100, 200)).save(tmp_path / "gopro" / kind / "images" / f"{i:03d}.png")
    for i in set(range(20)) - {int(datasets._order(0, 0, 36)[0])}:      # the first is drawn before anything else
        (tmp_path / "gopro" / "blur" / "images" / f"{i:03d}.png").write_bytes(b"no photograph")
    with pytest.raises(RunError, match=r"could not be made.*images.0\d\d\.png is not a photo"):
        training.train(tmp_path / "run", SMOKE.changed(data=f"gopro:{tmp_path / 'gopro'}", held_out=2, held_out_patch=32))


def test_a_run_goes_on_when_its_gopro_folder_has_moved(tmp_path, monkeypatch):
    for kind in ("blur", "sharp"):
        (tmp_path / "old" / kind).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (80, 80), (i, 100, 200)).save(tmp_path / "old" / kind / f"{i:03d}.png")
    monkeypatch.chdir(tmp_path)
    few = SMOKE.changed(epochs=1, steps=1)
    run = training.train("run", few.changed(data="gopro:old")).folder

    def resume(data):
        return training.train(run, few.changed(data=data), resume=True)

    shutil.copytree("old", "copy")
    resume("gopro:old/")
    resume(f"gopro:{tmp_path / 'old'}")
    for other in ("gopro:copy", "photos"):
        with pytest.raises(RunError, match=f"data is '{other}', there 'gopro:old'"):
            resume(other)
    shutil.rmtree("old")
    resume("gopro:copy")
    with pytest.raises(FileNotFoundError, match="There is no folder old"):
        resume("gopro:old")


def test_a_second_training_in_a_folder_is_refused(tmp_path):
    def report(progress):
        if progress.step == 1:
            with pytest.raises(RunError, match="Another process is training in"):
                training.train(tmp_path / "run", SMOKE.changed(seed=5))
            asked.append(1)

    asked = []
    run = training.train(tmp_path / "run", SMOKE, report=report)
    assert asked and run.settings.seed == SMOKE.seed
    assert len(training.train(tmp_path / "run", SMOKE, resume=True).history) == len(run.history)


@pytest.mark.parametrize("name", ["history.csv", "epochs"])
def test_files_that_are_no_runs_are_kept(tmp_path, name):
    (tmp_path / name).mkdir() if name == "epochs" else (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match=f"holds {name}, but no settings.json"):
        training.train(tmp_path, SMOKE)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_patch_that_does_not_fit_begins_no_folder(tmp_path):
    with pytest.raises(ValueError, match="patch is 448; the smallest photograph of 'photos' .* use at most"):
        training.train(tmp_path / "run", SMOKE.changed(patch=448))
    with pytest.raises(ValueError, match="^held_out_patch is 2000; the smallest photograph"):
        training.train(tmp_path / "run", SMOKE.changed(held_out_patch=2000))
    with pytest.raises(ValueError, match="^patch is 20; the discriminator of the objective report needs a multiple of 16"):
        training.train(tmp_path / "run", SMOKE.changed(objective="report", patch=20))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name, value", [("learning_rate", -1.0), ("learning_rate", float("nan")), ("beta_1", 1.0), ("clip", 0.0),
                                         ("penalty", -1.0), ("epsilon", float("inf")), ("seed", 2**32)])
def test_numbers_that_make_no_sense_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}; it must be"):
        SMOKE.changed(**{name: value})


def test_settings_that_are_none_are_named():
    with pytest.raises(ValueError, match="no setting 'learning_rat'"):
        SMOKE.changed(learning_rat=1)
    with pytest.raises(ValueError, match='"auto", "float32" or "bfloat16"'):
        training.precision("float16")
    with pytest.raises(RunError, match="holds no run"):
        Run("nowhere")


def test_precision_is_decided_by_measurement_and_says_so():
    policy, sentence = training.precision("auto")
    assert policy in ("float32", "mixed_bfloat16") and policy in sentence and "GFLOP/s" in sentence


def test_the_chosen_precision_is_the_faster_one_to_train_with():
    """Where bfloat16 is emulated, gradients are many times slower than the convolution alone."""
    batch = np.random.default_rng(0).uniform(-1, 1, (2, 2, 64, 64, 3)).astype(np.float32)
    gans = {name: training.DeblurGAN(SMOKE.changed(width=16, patch=64), 10, name) for name in ("float32", "mixed_bfloat16")}
    times = {name: [] for name in gans}
    for number, (name, gan) in product(range(6), gans.items()):     # in turn: whatever else the machine does meets both
        start = time.perf_counter()
        gan.train_on(*batch, number=number)
        times[name].append(time.perf_counter() - start)
    seconds = {name: min(values[1:]) for name, values in times.items()}      # the first compiles
    assert seconds[training.precision("auto")[0]] < 2 * min(seconds.values())


# The command line ---------------------------------------------------------------------------

def run_command(*arguments):
    return subprocess.run([sys.executable, "-m", "course_lib", "train", *map(str, arguments)], capture_output=True, text=True)


def test_the_command_trains_and_says_how_it_goes(tmp_path):
    result = run_command("--run", tmp_path / "run", "--size", "smoke", "--set", "epochs=1")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "epoch 1 of 1" in result.stdout and "PSNR" in result.stdout
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["settings"]["epochs"] == 1


@pytest.mark.parametrize("arguments, message", [
    (["--size", "smoke", "--set", "epoch=1"], "no setting 'epoch'"),
    (["--size", "smoke", "--set", "epochs=one"], "epochs"),
    (["--size", "smoke", "--data", "gopro:/nowhere"], "nowhere"),
    (["--size", "smoke", "--data", "gopro:/nowhere", "--level", "4"], "--level is for the built-in photographs"),
])
def test_the_command_refuses_in_one_sentence(arguments, message, tmp_path):
    result = run_command("--run", tmp_path / "run", *arguments)
    assert result.returncode == 2 and message in result.stderr
    assert "Traceback" not in result.stderr and len(result.stderr.strip().splitlines()) <= 4
