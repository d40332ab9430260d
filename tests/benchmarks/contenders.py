"""Everything that is measured. Each contender runs in a process of its own: `contenders.py NAME FOLDER`.

A contender prepares itself and returns a function without arguments; the process calls it once for every line it
reads, and answers with one line of JSON: the seconds it took (or what the function itself returned), the seconds of processor
time, and the highest memory the process has held so far. `bench.py` asks one process at a time.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

PATCH, BATCH = 256, 4       # the report's patch; a quarter of its batch, so that the whole table takes minutes
DATA = Path(__file__).parents[2] / "data"
VGG = DATA / "vgg16_block3_conv3.npz"


def images(patch: int = PATCH, batch: int = BATCH):
    """A batch of pairs, float32 in [-1, 1]."""
    return np.random.default_rng(0).uniform(-1, 1, (2, batch, patch, patch, 3)).astype(np.float32)


# --- One adversarial step -------------------------------------------------------------------

def step_course(folder):
    """The course's step, in the precision it would choose here."""
    from course_lib import runs, training

    settings = runs.SIZES["paper"].changed(batch=BATCH)
    gan = training.DeblurGAN(settings, 1000, training.precision("auto")[0])
    blurred, sharp = map(training.tf.constant, images())
    return lambda: gan.train_on(blurred, sharp, number=0)


def step_keras(folder):
    """The loop of popular Keras implementations: two compiled models, `train_on_batch`, float32."""
    from course_lib import losses, networks
    from course_lib.backend import keras

    ops = keras.ops
    features = losses.vgg_features(preprocess=False)

    def perceptual(sharp, output):
        return ops.mean(ops.square(features(sharp) - features(output)))

    def wasserstein(labels, scores):
        return ops.mean(labels * scores)

    def adam():
        return keras.optimizers.Adam(1e-4, 0.9, 0.999, 1e-8)

    def as_keras(layer):
        """The layer as Keras has it: the course's batch normalisation is a faster one."""
        kind = keras.layers.BatchNormalization if isinstance(layer, keras.layers.BatchNormalization) else type(layer)
        return kind.from_config(layer.get_config())

    generator, critic = (keras.models.clone_model(model, clone_function=as_keras)
                         for model in (networks.generator(), networks.discriminator(PATCH)))
    critic.compile(optimizer=adam(), loss=wasserstein)
    blurred = keras.Input((PATCH, PATCH, 3))
    output = generator(blurred)
    both = keras.Model(blurred, [output, critic(output)])
    critic.trainable = False
    both.compile(optimizer=adam(), loss=[perceptual, wasserstein], loss_weights=[100, 1])
    critic.trainable = True
    blurred, sharp = images()
    real, fake = np.ones((BATCH, 1), np.float32), -np.ones((BATCH, 1), np.float32)

    def step():
        deblurred = generator.predict_on_batch(blurred)
        for _ in range(5):
            critic.train_on_batch(sharp, real)
            critic.train_on_batch(deblurred, fake)
        critic.trainable = False
        both.train_on_batch(blurred, [sharp, real])
        critic.trainable = True
    return step


def step_pytorch(folder):
    """The course's step in PyTorch: channels last, bfloat16 autocast, fused Adam."""
    import torch

    import in_pytorch

    with np.load(VGG) as file:
        step = in_pytorch.Step(PATCH, dict(file), scale=1 / 3000)
    batch = [torch.from_numpy(array).permute(0, 3, 1, 2) for array in images()]     # strides stay channels last
    return lambda: step(*batch)


# --- One photograph of 1280 × 720 -----------------------------------------------------------

def photo(megapixels: float = 0.9216):
    """A photograph of 16 : 9, uint8: the same smooth pattern for everyone, with some noise; repeated where it is larger.

    So that making it takes less memory than deblurring it.
    """
    y, x = np.mgrid[:720, :1280]
    pattern = 128 + 80 * np.sin(x / 7)[..., None] * np.cos(y / np.array([5, 9, 13])[:, None, None]).transpose(1, 2, 0)
    one = np.clip(pattern + np.random.default_rng(0).normal(0, 10, pattern.shape), 0, 255).astype(np.uint8)
    height, width = round((megapixels * 1e6 * 9 / 16) ** 0.5), round((megapixels * 1e6 * 16 / 9) ** 0.5)
    return np.tile(one, (-(-height // 720), -(-width // 1280), 1))[:height, :width]


def weights(folder) -> list:
    with np.load(Path(folder) / "weights.npz") as file:
        return [file[name] for name in sorted(file.files)]


def _kept(folder, name, deblur):
    """`deblur`, whose first result is kept in the folder, to be compared."""
    image, path = photo(), Path(folder) / f"{name}.npy"

    def run():
        result = deblur(image)
        if not path.exists():
            np.save(path, result)
    return run


def _course_deblur(folder, dtype):
    from course_lib import networks, restoration

    model = networks.generator(dtype=dtype)
    model.set_weights(weights(folder))
    return lambda image: restoration.deblur(image, model)


def deblur_course(folder):
    return _kept(folder, "course", _course_deblur(folder, "float32"))


def deblur_course_bfloat16(folder):
    return _kept(folder, "course_bfloat16", _course_deblur(folder, "mixed_bfloat16"))


def deblur_course_24_megapixels(folder):
    deblur, image = _course_deblur(folder, "float32"), photo(24)
    return lambda: deblur(image)


def deblur_pytorch(folder):
    """Traced, frozen and optimised by PyTorch, which folds the batch normalisation; channels last."""
    import torch

    import in_pytorch
    from course_lib.photos import to_image, to_network

    model = in_pytorch.take_weights(in_pytorch.Generator(), weights(folder)).eval().to(memory_format=torch.channels_last)
    with torch.inference_mode():
        example = torch.zeros(1, 3, 64, 64).to(memory_format=torch.channels_last)
        model = torch.jit.optimize_for_inference(torch.jit.trace(model, example))

    def deblur(image):
        with torch.inference_mode():
            output = model(torch.from_numpy(to_network(image[None])).permute(0, 3, 1, 2))
        return to_image(output.permute(0, 2, 3, 1)[0].numpy())
    return _kept(folder, "pytorch", deblur)


def deblur_onnx(folder):
    """ONNX Runtime, all its graph optimisations."""
    import onnxruntime

    from course_lib.photos import to_image, to_network

    session = onnxruntime.InferenceSession(Path(folder) / "generator.onnx", providers=["CPUExecutionProvider"])

    def deblur(image):
        output, = session.run(None, {"blurred": np.ascontiguousarray(to_network(image[None]).transpose(0, 3, 1, 2))})
        return to_image(output[0].transpose(1, 2, 0))
    return _kept(folder, "onnx", deblur)


def write_onnx(folder) -> None:
    """generator.onnx, from the same weights, its batch normalisation left to ONNX Runtime to fold."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    arrays, nodes, constants = iter(weights(folder)), [], []

    def add(kind, *inputs, **attributes):
        name = f"{kind}_{len(nodes)}"
        names = []
        for given in inputs:
            if not isinstance(given, str):
                constants.append(numpy_helper.from_array(given, f"constant_{len(constants)}"))
                given = constants[-1].name
            names.append(given)
        nodes.append(helper.make_node(kind, names, [name], **attributes))
        return name

    def conv(x, stride=1):
        kernel, bias = next(arrays), next(arrays)
        total = kernel.shape[0] - stride
        pads = [total // 2] * 2 + [total - total // 2] * 2
        return add("Conv", x, np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), bias, strides=[stride] * 2, pads=pads)

    def norm(x):
        return add("BatchNormalization", x, *(next(arrays) for _ in range(4)), epsilon=1e-3)

    def double(x):
        return add("Resize", x, "", np.array([1, 1, 2, 2], np.float32), mode="nearest", nearest_mode="floor",
                   coordinate_transformation_mode="asymmetric")

    x = "blurred"
    for stride in (1, 2, 2):
        x = add("Relu", norm(conv(x, stride)))
    for _ in range(9):
        x = add("Add", x, norm(conv(add("Relu", norm(conv(x))))))
    for _ in range(2):
        x = add("Relu", norm(conv(double(x))))
    x = add("Clip", add("Add", "blurred", add("Tanh", conv(x))), np.float32(-1), np.float32(1))
    shape = [1, 3, "height", "width"]
    graph = helper.make_graph(nodes, "generator", [helper.make_tensor_value_info("blurred", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info(x, TensorProto.FLOAT, shape)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, Path(folder) / "generator.onnx")


def write_weights(folder) -> None:
    """weights.npz: random, but such that every layer matters and the output is far from the input."""
    from course_lib import networks

    rng, values = np.random.default_rng(0), []
    for weight in networks.generator().weights:
        value = rng.normal(size=weight.shape)
        if weight.name == "kernel":
            value *= np.sqrt(2 / np.prod(weight.shape[:3]))
        elif weight.name in ("gamma", "moving_variance"):
            value = np.exp(0.3 * value)
        else:
            value *= 0.1
        values.append(value.astype(np.float32))
    values[-2] *= 0.1       # the last convolution: tanh is not to be at its ends everywhere
    np.savez(Path(folder) / "weights.npz", **{f"{i:04d}": value for i, value in enumerate(values)})


# --- The machine and the input --------------------------------------------------------------

def machine(folder):
    """GFLOP/s of the generator's convolution, in both precisions."""
    from course_lib import training

    return lambda: {dtype: training.convolution_rate(dtype) for dtype in ("float32", "bfloat16")}


def _pairs(size):
    from course_lib import datasets, runs

    s = runs.SIZES[size]
    source = datasets.source(s.data, "train", s.patch, s.level)
    count = [0]

    def render(seconds=3.0):
        batches = iter(datasets.batches(source, 0, s.batch, count[0], 10**6))
        next(batches)
        start, pairs = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            next(batches)
            pairs += s.batch
        return pairs / (time.perf_counter() - start)
    return render


def pairs_paper(folder):
    return _pairs("paper")


def pairs_laptop(folder):
    return _pairs("laptop")


def step_laptop(folder):
    """A step of the size `laptop`: small images, the highest consumption of pairs."""
    from course_lib import runs, training

    s = runs.SIZES["laptop"]
    gan = training.DeblurGAN(s, 1000, training.precision("auto")[0])
    blurred, sharp = map(training.tf.constant, images(s.patch, s.batch))
    return lambda: gan.train_on(blurred, sharp, number=0)


def start_laptop(folder):
    """Seconds from `import` to the end of the first training step, in a new process."""
    import subprocess
    import tempfile

    def start():
        with tempfile.TemporaryDirectory() as run:
            answer = subprocess.run([sys.executable, __file__, "first_step", run], capture_output=True, text=True, check=True)
        return float(answer.stdout)
    return start


def first_step(folder) -> None:
    start = time.perf_counter()
    from course_lib import runs, training

    def report(progress):
        if progress.step == 1:
            print(time.perf_counter() - start, flush=True)
            sys.exit()

    training.train(Path(folder) / "run", runs.SIZES["laptop"], report=report)


# --- A process of its own -------------------------------------------------------------------

def peak_gib() -> float:
    """The most memory this process has held, in GiB."""
    if sys.platform == "linux":
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


def main(name: str, folder: str) -> None:
    measure = globals()[name](folder)
    for _ in sys.stdin:
        start, work = time.perf_counter(), time.process_time()
        result = measure()
        seconds, work = time.perf_counter() - start, time.process_time() - work
        value = result if name in MEASURE_THEMSELVES else seconds
        print(json.dumps({"value": value, "work": work, "peak": peak_gib()}), flush=True)


MEASURE_THEMSELVES = "machine", "pairs_paper", "pairs_laptop", "start_laptop"


if __name__ == "__main__":
    if sys.argv[1] == "first_step":
        first_step(sys.argv[2])
    else:
        main(*sys.argv[1:])
