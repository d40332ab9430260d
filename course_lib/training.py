"""Training: both networks, both optimizers, one compiled step; runs that stop and go on exactly (lesson 07).

`DeblurGAN.step` is Sections 2.3 and 3.2 of the report in one function. `train` feeds it, scores
and pictures held-out photographs after every epoch, writes the run folder (`course_lib.runs`)
and tells whoever listens through one callback, `report`; it knows nothing of notebooks.
"""

import errno
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib import datasets, evaluation, faster, losses, networks, photos, restoration, runs, variants
from course_lib.backend import keras, tf
from course_lib.files import locked
from course_lib.runs import Run, RunError, Settings

CHECKPOINT_SECONDS = 120        # within a long epoch; at the end of every epoch in any case
LOCK = ".lock"      # held in a run's folder while it is trained
FULL = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name)}     # what a disk without room says


class Objective(NamedTuple):
    """What the two players minimise, and the discriminator it needs."""

    critic_loss: Callable
    generator_loss: Callable
    output: str                     # the discriminator's last layer
    normalisation: str              # of the discriminator
    penalty: bool = False


OBJECTIVES: dict[str, Objective | None] = {
    # no adversary: the baseline every GAN must justify itself against
    "content": None,
    # Sections 2.2-2.3 as they stand: a Wasserstein loss on a critic that ends in a sigmoid
    "report": Objective(losses.wasserstein_critic, losses.wasserstein_generator, "sigmoid", "batch"),
    # the report's reference [9], arXiv:1704.00028: an unbounded critic, its slope held near 1
    "wgan-gp": Objective(losses.wasserstein_critic, losses.wasserstein_generator, "linear", "layer", penalty=True),
    # equation (1), and the variant of arXiv:1406.2661, Section 3, whose gradient does not vanish
    "minimax": Objective(losses.minimax_discriminator, losses.minimax_generator, "sigmoid", "batch"),
    "minimax-ns": Objective(losses.minimax_discriminator, losses.non_saturating_generator, "sigmoid", "batch"),
}


class DeblurGAN:
    """The generator, the discriminator, an optimizer for each, and the step that trains them.

    Parameters
    ----------
    settings : what to build and how to train it.
    total_steps : length of the run, for the cosine schedule.
    policy : Keras dtype policy of both networks, "float32" or "mixed_bfloat16".

    Raises
    ------
    ValueError naming the setting that is none of the known ones.
    """

    def __init__(self, settings: Settings, total_steps: int, policy: str = "float32"):
        s = self.settings = settings
        if s.objective not in OBJECTIVES:
            raise ValueError(f"objective is {s.objective!r}; use one of {', '.join(OBJECTIVES)}.")
        self.objective = OBJECTIVES[s.objective]
        self.strategy = tf.distribute.get_strategy()
        if s.batch % self.strategy.num_replicas_in_sync:
            raise ValueError(f"A batch of {s.batch} can't be shared by {self.strategy.num_replicas_in_sync} devices: "
                             "use a multiple.")

        self.generator = variants.build(**generator_arguments(s), dtype=policy)
        step = restoration.overlap(self.generator)[1]
        for name in ("patch", "held_out_patch"):
            if getattr(s, name) % step:
                raise ValueError(f"{name} is {getattr(s, name)}; the network {s.network} needs a multiple of {step}.")
        if s.statistics not in ("batch", "stored"):
            raise ValueError(f'statistics is {s.statistics!r}; use "batch" or "stored".')
        # the same variables and numbers, fewer multiplications
        self.generate = faster.rewritten(self.generator, fold=s.statistics == "stored")
        self.optimizer = _adam(s, total_steps, self.generator)
        self.critic = self.critic_optimizer = None
        if self.objective:
            if s.patch % 16:
                raise ValueError(f"patch is {s.patch}; the discriminator of the objective {s.objective} needs a multiple of 16.")
            self.critic = networks.discriminator(s.patch, self.objective.normalisation, self.objective.output, dtype=policy)
            self.critic_optimizer = _adam(s, total_steps, self.critic, s.critic_steps)

        content = s.content or ("perceptual" if self.objective else "l1")
        if content not in ("l1", "psnr", "perceptual"):
            raise ValueError(f'content is {content!r}; use "l1", "psnr" or "perceptual".')
        self.content_loss = {"l1": losses.l1, "psnr": losses.minus_psnr}.get(content) or \
            losses.Perceptual(s.vgg_preprocess, s.vgg_weights, dtype=policy)
        self.compiled_step = tf.function(lambda *batch: self.strategy.run(self.step, batch))

    def step(self, blurred, sharp, number) -> dict:
        """Train on one device's part of a batch; `number` counts the steps. Returns the losses' means.

        The generator's output is computed once: the critic learns from it as a constant, then
        the generator learns through the critic as it has become.
        """
        s, objective = self.settings, self.objective
        with tf.GradientTape() as tape:
            output = self.generate(blurred, training=True)                  # (n, patch, patch, 3)
            terms = {"content": self._mean(self.content_loss(sharp, output))}
            loss = s.content_weight * terms["content"]
            if objective:
                with tape.stop_recording():
                    for i in range(s.critic_steps):
                        terms |= self.critic_step(sharp, output, number * s.critic_steps + i)
                fooled = self.critic(output, training=True)                 # (n, 1)
                terms["adversarial"] = self._mean(objective.generator_loss(fooled))
                loss += s.adversarial_weight * terms["adversarial"]
        weights = self.generator.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return terms

    def critic_step(self, sharp, output, number) -> dict:
        """Train the critic to tell sharp photographs from the generator's output."""
        with tf.GradientTape() as tape:
            real, fake = self.critic(sharp, training=True), self.critic(output, training=True)
            terms = {"critic": self._mean(self.objective.critic_loss(real, fake))}
            loss = terms["critic"]
            if self.objective.penalty:
                mix = self._uniform(number)
                terms["penalty"] = self._mean(losses.gradient_penalty(self.critic, sharp, output, mix))
                loss += self.settings.penalty * terms["penalty"]
        weights = self.critic.trainable_variables
        self.critic_optimizer.apply(tape.gradient(loss, weights), weights)
        return terms

    def _mean(self, per_image):
        """This device's share of the mean over the whole batch: the optimizer adds the shares up."""
        return tf.reduce_mean(per_image) / self.strategy.num_replicas_in_sync

    def _uniform(self, number):
        """One number in [0, 1] per image, the same whichever device has the image."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        part = self.settings.batch // self.strategy.num_replicas_in_sync
        mix = tf.random.stateless_uniform((self.settings.batch, 1, 1, 1), seed=[self.settings.seed, number])
        return tf.slice(mix, [replica * part, 0, 0, 0], [part, 1, 1, 1])

    def train_on(self, blurred, sharp, number: int) -> dict[str, float]:
        """One step on a batch (over all devices); the losses as plain numbers."""
        terms = self.compiled_step(blurred, sharp, tf.constant(number, tf.int32))
        return {name: float(self.strategy.reduce("SUM", value, axis=None)) for name, value in terms.items()}

    def deblur(self, blurred: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W, 3) → uint8, four at a time, with the statistics of inference."""
        outputs = [self.generator(photos.to_network(blurred[i:i + 4]), training=False) for i in range(0, len(blurred), 4)]
        return photos.to_image(np.concatenate(outputs))

    def state(self) -> list:
        """Every variable that a continued run needs, in a fixed order."""
        owners = [self.generator, self.optimizer, self.critic, self.critic_optimizer]
        return [variable for owner in owners if owner is not None for variable in owner.variables]


def generator_arguments(s: Settings) -> dict:
    """The keyword arguments of `variants.build` a run uses.

    Raises
    ------
    ValueError naming a setting that would change nothing, because the network doesn't have it.
    """
    arguments = {"width": s.width, "blocks": s.blocks}
    if s.network == "report":
        if s.statistics == "stored" and s.normalisation != "batch":
            raise ValueError(f"statistics is 'stored', which only batch normalisation has, and normalisation is {s.normalisation!r}: "
                             "set normalisation=batch, or statistics=batch.")
        return arguments | {"normalisation": s.normalisation, "output": s.output, "dropout": s.dropout}
    for name in ("normalisation", "statistics", "output", "dropout"):
        value, default = getattr(s, name), getattr(Settings, name)
        if value != default:
            raise ValueError(f"{name} is {value!r}, which only the network report has: set network=report, or {name}={default}.")
    return arguments | {"network": s.network}


def _adam(s: Settings, total_steps: int, model: keras.Model, each: int = 1) -> keras.optimizers.Optimizer:
    """Adam with the settings of Section 3.2, built, so that a checkpoint finds its moments."""
    if s.schedule not in ("constant", "cosine"):
        raise ValueError(f'schedule is {s.schedule!r}; use "constant" or "cosine".')
    rate = s.learning_rate
    if s.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(0.0 if s.warmup else rate, max(1, (total_steps - s.warmup) * each), alpha=0.01,
                                                      warmup_target=rate if s.warmup else None, warmup_steps=s.warmup * each)
    elif s.warmup:
        raise ValueError(f"warmup is {s.warmup}, which only the schedule cosine has: set schedule=cosine, or warmup=0.")
    optimizer = keras.optimizers.Adam(rate, s.beta_1, s.beta_2, s.epsilon, global_clipnorm=s.clip)
    optimizer.build(model.trainable_variables)
    return optimizer


# --- The machine ----------------------------------------------------------------------------

def convolution_rate(dtype: str) -> float:
    """GFLOP/s of the convolution the generator consists of, 3 × 3 × 256, on 32 × 32 pixels, and of its two gradients."""
    image, kernel = tf.ones((1, 32, 32, 256), dtype), tf.ones((3, 3, 256, 256), dtype)

    @tf.function
    def compute(x, k):
        with tf.GradientTape() as tape:
            tape.watch([x, k])
            y = tf.nn.conv2d(x, k, 1, "SAME")
        return [y, *tape.gradient(y, [x, k])]

    compute(image, kernel)
    times = []
    while len(times) < 5 and sum(times) < 0.5:      # emulated, once takes that long
        start = time.perf_counter()
        [result.numpy() for result in compute(image, kernel)]
        times.append(time.perf_counter() - start)
    return 3 * 2 * 32 * 32 * 9 * 256 * 256 / min(times) / 1e9


def precision(name: str = "auto") -> tuple[str, str]:
    """The Keras dtype policy to compute with, and a sentence that says why.

    "auto" measures `convolution_rate` in both precisions and takes bfloat16 where it is at least a
    tenth faster. Gradients decide: on processors with AVX2 but without bfloat16 instructions it ran
    at 167 against 59 GFLOP/s forwards, and at 5 against 81 for the gradients. To deblur is not only
    forwards either, for a transposed convolution (`faster`) is the gradient of one.

    Raises
    ------
    ValueError for any other name than "auto", "float32", "bfloat16" and "mixed_bfloat16".
    """
    if name in ("float32", "bfloat16", "mixed_bfloat16"):
        policy = "float32" if name == "float32" else "mixed_bfloat16"
        return policy, f"Precision: {policy}, as asked."
    if name != "auto":
        raise ValueError(f'precision is {name!r}; use "auto", "float32" or "bfloat16".')
    rates = {dtype: convolution_rate(dtype) for dtype in ("float32", "bfloat16")}
    policy = "mixed_bfloat16" if rates["bfloat16"] > 1.1 * rates["float32"] else "float32"
    return policy, (f"Precision: {policy}; a convolution and its gradients run at {rates['bfloat16']:.0f} GFLOP/s in bfloat16 and "
                    f"{rates['float32']:.0f} in float32 here.")


def strategy(name: str = "none") -> tf.distribute.Strategy:
    """How a step is spread: "none", "mirrored" over this host's accelerators, "multiworker" over hosts.

    The last takes the hosts from the environment variable TF_CONFIG, as TensorFlow defines it;
    all of them must see the run folder, and are started, stopped and resumed together.

    Raises
    ------
    ValueError for another name, or if TF_CONFIG is missing.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU"))
    if name == "multiworker":
        if "TF_CONFIG" not in os.environ:
            raise ValueError("strategy multiworker needs the hosts in the environment variable TF_CONFIG; "
                             "TensorFlow's guide to distributed training says how it is written.")
        return tf.distribute.MultiWorkerMirroredStrategy()
    raise ValueError(f'strategy is {name!r}; use "none", "mirrored" or "multiworker".')


@contextmanager
def _stop_signals():
    """Turn the first Ctrl-C or SIGTERM into a wish, `wish.stop`, met after the step; the second acts at once."""
    class Wish:
        stop = False

    def handler(number, frame):
        if Wish.stop:
            raise KeyboardInterrupt
        Wish.stop = True

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, handler)
    except ValueError:      # not the main thread: whoever runs us handles signals
        pass
    try:
        yield Wish
    finally:
        for number, old in before.items():
            signal.signal(number, old)


# --- The run --------------------------------------------------------------------------------

@dataclass(frozen=True)
class Progress:
    """What the callback `report` is told: after every step, and with `epoch_done` after every epoch."""

    run: Run
    step: int                       # steps done
    steps: int                      # of so many
    steps_per_epoch: int
    seconds: float                  # of training so far, interruptions not counted
    seconds_left: float
    losses: dict[str, float]        # of this step
    history: list[dict[str, float]]
    epoch_done: bool = False
    stopped: bool = False           # before its end, by Ctrl-C or the stop button
    message: str = ""

    @property
    def over(self) -> bool:
        """Training has come to its end or was stopped."""
        return self.stopped or self.epoch_done and self.step == self.steps

    @property
    def sentence(self) -> str:
        """Where training stands, for a bar or a terminal."""
        row = self.history[-1]
        score = f"PSNR {row['psnr']:.2f} dB ({row['psnr_gain']:+.2f}) on held-out photographs"
        if self.message:
            return f"{self.message} {score}."
        epochs = self.steps // self.steps_per_epoch
        left = f"{duration(self.seconds_left)} left" if self.step < self.steps else f"done in {duration(self.seconds)}"
        terms = "".join(f", {name} loss {value:.4g}" for name, value in self.losses.items())
        epoch = min(self.step // self.steps_per_epoch + (not self.epoch_done), epochs)
        return f"epoch {epoch} of {epochs}, {left}: {score}{terms}"


def duration(seconds: float) -> str:
    """15 s, 2 min 5 s, 3 h 20 min, 4 days 2 h."""
    units = [("days", 86400), ("h", 3600), ("min", 60), ("s", 1)]
    seconds = round(seconds)
    for (name, size), (smaller, part) in zip(units, units[1:]):
        if seconds >= size:
            rest = seconds % size // part
            return f"{seconds // size} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds} s"


def text_report() -> Callable[[Progress], None]:
    """A `report` that prints: a line for every epoch, and in a terminal one that renews itself."""
    terminal, last = sys.stdout.isatty(), 0.0

    def report(progress: Progress) -> None:
        nonlocal last
        if progress.epoch_done or progress.message:
            print(("\r\033[K" if terminal else "") + progress.sentence, flush=True)
        elif terminal and time.monotonic() - last > 0.5:
            last = time.monotonic()
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{progress.sentence[:width]}", end="", flush=True)

    return report


def train(
    folder: str | Path,
    settings: Settings,
    resume: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    strategy_name: str = "none",
) -> Run:
    """Train, or continue, the run in a folder.

    Interrupting (Ctrl-C, or the notebook's stop button) keeps everything; calling again with
    `resume=True` goes on with the next step as if nothing had happened.

    Parameters
    ----------
    folder : where the run is kept; made if missing.
    settings : see `runs.Settings` and `runs.SIZES`.
    resume : continue the run in the folder, or start one if there is none.
    report : called with a `Progress` after every step and every epoch.
    strategy_name : see `strategy`.

    Returns
    -------
    The run, opened for reading. It may be unfinished: `len(run.history) - 1` epochs are done.

    Raises
    ------
    RunError for a folder in use, contradicting settings, a damaged checkpoint, a folder that
    can't be written, or a loss that is no longer a number; ValueError for a wrong setting.
    """
    folder = Path(folder)
    spread = strategy(strategy_name)
    hosts = isinstance(spread, tf.distribute.MultiWorkerMirroredStrategy)
    writer = not hosts or spread.cluster_resolver.task_id == 0
    if hosts and settings.precision == "auto":
        raise ValueError("Several hosts must compute alike: set precision to float32 or bfloat16 (--precision).")
    try:
        with _stop_signals() as wish, _alone(folder) if writer else nullcontext():
            return _train(folder, settings, resume, report, spread, writer, wish)
    except OSError as error:
        if error.errno is None:     # not the system's: a sentence of our own, about the data
            raise
        remedy = "make room or choose another folder" if error.errno in FULL else "put that right or choose another folder"
        raise RunError(f"{error.filename or folder} can't be written or read ({error.strerror or error}). What was saved "
                       f"before is complete: {remedy}, then continue with resume.") from None
    except tf.errors.ResourceExhaustedError:
        raise RunError("There is not enough memory for a step: use a smaller batch, patch or width.") from None


@contextmanager
def _alone(folder: Path):
    """See to it that no other process trains in the folder."""
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise RunError(f"{folder} is a file, or lies in one, and a run needs a folder: choose another name.") from None
    try:
        with locked(folder / LOCK):
            try:
                yield
            finally:
                with suppress(OSError):         # Windows keeps what is open
                    (folder / LOCK).unlink()
    except BlockingIOError:
        raise RunError(f"Another process is training in {folder}: wait for it, or choose another folder.") from None
    finally:
        if made:
            with suppress(OSError):             # a run has begun in it
                folder.rmdir()


@dataclass
class _State:
    """Where a run stands; with the networks and optimizers all that a checkpoint holds."""

    step: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)        # of each loss, over the epoch so far
    history: list[dict[str, float]] = field(default_factory=list)


def _train(folder, settings, resume, report, spread, writer, wish) -> Run:
    settings, message = _open(folder, settings, resume)
    pairs = datasets.source(settings.data, "train", settings.patch, settings.level, settings.squash, settings.limit,
                            settings.unmoved)
    datasets.sample(pairs, settings.seed, 0)        # what can't be made stops here, before a folder is begun
    held_out = datasets.held_out(settings.data, settings.held_out_patch, settings.held_out, settings.level, settings.squash,
                                 setting="held_out_patch")
    epoch_steps = settings.steps or -(-pairs.epoch // settings.batch)
    total = settings.epochs * epoch_steps

    keras.utils.set_random_seed(settings.seed)
    with spread.scope():
        gan = DeblurGAN(settings, total, settings.precision)
    if (folder / "checkpoint.npz").exists():
        state = _continue(folder, gan, epoch_steps)
    else:
        if settings.start_from:
            variants.widen(restoration.load(settings.start_from), gan.generator)
        elif settings.statistics == "stored":
            networks.silence_blocks(gan.generator)
        state = _begin(folder, gan, settings, held_out, writer)

    run = Run(folder) if writer else None

    def tell(terms, **more):
        if writer:
            left = state.seconds / max(state.step, 1) * (total - state.step)
            report(Progress(run, state.step, total, epoch_steps, state.seconds, left, terms, state.history, **more))

    tell({}, epoch_done=True, message=message)
    started = saved = time.perf_counter()
    for part in _feed(pairs, settings, spread, state.step, total):
        terms = gan.train_on(*part, number=state.step)
        _must_be_finite(terms, state, folder)
        now = time.perf_counter()
        state.step, state.seconds, started = state.step + 1, state.seconds + now - started, now
        state.sums = {name: state.sums.get(name, 0.0) + value for name, value in terms.items()}

        epoch_done = state.step % epoch_steps == 0
        if epoch_done:
            _finish_epoch(folder, gan, state, held_out, epoch_steps, writer)
        tell(terms, epoch_done=epoch_done)
        stopped = _anyone(spread, wish.stop) and state.step < total
        if writer and (epoch_done or stopped or now - saved > CHECKPOINT_SECONDS):
            _save(folder, gan, state)
            saved = started = time.perf_counter()       # the clock of training stands still meanwhile
        if stopped:
            tell(terms, stopped=True, message=f"Stopped after step {state.step} of {total}; everything is kept in {folder}. "
                                              "The same call with resume goes on from here.")
            break
    return Run(folder)


def _anyone(spread, wish: bool) -> bool:
    """Whether any host wishes to stop: a signal reaches one of them, and all must stop after the same step."""
    if not isinstance(spread, tf.distribute.MultiWorkerMirroredStrategy):
        return wish
    return float(spread.reduce("SUM", spread.run(lambda: tf.constant(float(wish))), axis=None)) > 0


def _open(folder: Path, settings: Settings, resume: bool) -> tuple[Settings, str]:
    """Check the folder against what is asked; returns the settings with their precision decided."""
    if (folder / "settings.json").exists():
        before = Run(folder).settings
        if not resume:
            raise RunError(f"{folder} already holds a run: continue it with resume (--resume), or choose another folder.")
        asked = asdict(settings)
        # "auto" was decided once, when the run began
        asked["precision"] = before.precision if settings.precision == "auto" else precision(settings.precision)[0]
        differing = [f"{name} is {value!r}, there {getattr(before, name)!r}"
                     for name, value in asked.items()
                     if value != getattr(before, name) and not (name == "data" and _same_copy(before.data, value))]
        if differing:
            raise RunError(f"The run in {folder} was made with other settings: {'; '.join(differing)}. "
                           "Ask for the same, or choose another folder.")
        return replace(before, data=settings.data), f"Continuing the run in {folder}."
    others = [name for name in ("history.csv", "epochs", "pictures", "checkpoint.npz") if (folder / name).exists()]
    if others:
        raise RunError(f"{folder} holds {', '.join(others)}, but no settings.json: it is no run, and one would overwrite them. "
                       "Choose another folder.")
    policy, message = precision(settings.precision)
    return replace(settings, precision=policy), message


def _same_copy(before: str, asked: str) -> bool:
    """Whether both are one copy of GoPro, written in another way or moved meanwhile."""
    if not (before.startswith("gopro:") and asked.startswith("gopro:")):
        return False
    old, new = (Path(os.path.expanduser(data.removeprefix("gopro:"))) for data in (before, asked))
    return not old.exists() or new.exists() and old.samefile(new)


def _feed(pairs, settings: Settings, spread, step: int, total: int):
    """The batches from `step` on, spread over the devices."""
    def pipeline(context):
        local = context.num_replicas_in_sync // context.num_input_pipelines
        first = context.input_pipeline_id * local
        return datasets.batches(pairs, settings.seed, settings.batch, step, total,
                                context.num_replicas_in_sync, range(first, first + local))

    try:
        yield from spread.distribute_datasets_from_function(pipeline)
    except tf.errors.InvalidArgumentError as error:     # tf.data wraps what went wrong in a page of its own
        reason = re.search(r"^(?:[\w.]+\.)?\w*Error: (.*)$", error.message, re.MULTILINE)
        raise RunError(f"A pair could not be made: {reason[1] if reason else error.message}") from None


def _begin(folder: Path, gan: DeblurGAN, settings: Settings, held_out, writer: bool) -> _State:
    """A new run's folder, with the score of the untrained network."""
    if writer:
        runs.write_settings(folder, settings, generator_arguments(settings))
        for name, images in zip(("blurred", "sharp"), held_out):
            runs.write_pictures(folder, name, images)
    state = _State(history=[{"epoch": 0, "step": 0, "seconds": 0.0} | _score(folder, gan, held_out, 0, writer)])
    if writer:
        runs.write_history(folder, state.history)
    return state


def _finish_epoch(folder: Path, gan: DeblurGAN, state: _State, held_out, epoch_steps: int, writer: bool) -> None:
    """Add the epoch's means and scores to the history."""
    if not all(np.isfinite(weight).all() for weight in gan.generator.get_weights()):
        raise _broken(state, folder, f"after step {state.step}: the generator's weights are no longer numbers")
    epoch = state.step // epoch_steps
    means = {name: value / epoch_steps for name, value in state.sums.items()}
    state.history.append({"epoch": epoch, "step": state.step, "seconds": state.seconds,
                          **means, **_score(folder, gan, held_out, epoch, writer)})
    state.sums = {}
    if writer:
        runs.write_history(folder, state.history)


def _score(folder: Path, gan: DeblurGAN, held_out, epoch: int, writer: bool) -> dict[str, float]:
    """Deblur the held-out photographs; keep pictures and weights; mean PSNR and SSIM and their gain."""
    blurred, sharp = held_out
    output, row = gan.deblur(blurred), {}
    for name, metric in (("psnr", evaluation.psnr), ("ssim", evaluation.ssim)):
        # equal images have infinite PSNR; counted as 100 dB the mean stays a number
        after, before = (np.mean([min(metric(s, image), 100.0) for s, image in zip(sharp, images)])
                         for images in (output, blurred))
        row |= {name: float(after), f"{name}_gain": float(after - before)}
    if writer:
        runs.write_pictures(folder, epoch, output)
        restoration.save_weights(gan.generator, folder / "epochs" / f"{epoch:04d}.npz")
    return row


def _save(folder: Path, gan: DeblurGAN, state: _State) -> None:
    arrays = {f"{i:04d}": variable.numpy() for i, variable in enumerate(gan.state())}
    note = json.dumps({"step": state.step, "seconds": state.seconds, "sums": state.sums})
    runs.write_checkpoint(folder, {"note": np.array(note), **arrays})


def _continue(folder: Path, gan: DeblurGAN, epoch_steps: int) -> _State:
    """Put the checkpoint's values into every variable; an epoch it does not hold is forgotten."""
    arrays = runs.read_checkpoint(folder)
    note = json.loads(str(arrays.pop("note", "{}")))
    variables, history = gan.state(), Run(folder).history
    epochs = note.get("step", 0) // epoch_steps
    fits = [arrays[key].shape for key in sorted(arrays)] == [tuple(v.shape) for v in variables]
    if not note or not fits or len(history) <= epochs:
        raise RunError(f"The files checkpoint.npz, settings.json and history.csv in {folder} do not come from one run: restore "
                       f"them, or start a new run in another folder from these weights with --start-from {folder}.")
    for key, variable in zip(sorted(arrays), variables):
        variable.assign(arrays[key])
    return _State(**note, history=history[:epochs + 1])


def _must_be_finite(terms: dict[str, float], state: _State, folder: Path) -> None:
    for name, value in terms.items():
        if not np.isfinite(value):
            raise _broken(state, folder, f"at step {state.step + 1}: the loss {name} is {value}")


def _broken(state: _State, folder: Path, what: str) -> RunError:
    epoch = len(state.history) - 1
    return RunError(
        f"Training broke {what}. The last good weights are those after epoch {epoch}, "
        f"{folder / 'epochs' / f'{epoch:04d}.npz'}. Try a learning rate ten times lower, precision float32, or a smaller "
        "adversarial weight, in a new folder that starts from this one (start_from).")
