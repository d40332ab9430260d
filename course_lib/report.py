"""The report's own numbers, as data: Tables 1-5 and the settings of Section 3.

Z. Li, "Image Deblurring using GAN". Nothing here is computed and nothing is corrected:
what the report gets wrong stays wrong, and lesson 10 finds it.
"""

from typing import NamedTuple


class Layer(NamedTuple):
    """One row of Table 2 or 3: a convolution, its kernel size K, stride S and channels."""

    name: str
    k: int
    stride: int
    c_in: int
    c_out: int
    parameters: int


class Table(NamedTuple):
    """A network as the report tabulates it.

    `rows` are the convolutions of Table 2 or 3; `total` is the network's number of
    parameters in Table 1, which counts more than the rows do.
    """

    title: str
    network: str
    rows: tuple[Layer, ...]
    total: int


TABLE_1 = {
    "Generator": {"layers": 24, "parameters": 11_399_171},
    "Discriminator": {"layers": 6, "parameters": 3_098_370},
    "Total": {"layers": 30, "parameters": 14_500_000},      # the report writes "≈14.5M"
}

TABLE_2 = Table(
    "Table 2", "Generator",
    (
        Layer("conv2d", 7, 1, 3, 64, 9_472),
        Layer("conv2d_1", 3, 2, 64, 128, 73_856),
        Layer("conv2d_2", 3, 2, 128, 256, 295_168),
        *(Layer(f"conv2d_{i}", 3, 1, 256, 256, 590_080) for i in range(3, 21)),
        Layer("conv2d_21", 3, 1, 256, 128, 295_040),
        Layer("conv2d_22", 3, 1, 128, 64, 73_792),
        Layer("conv2d_23", 7, 1, 64, 3, 9_411),
    ),
    TABLE_1["Generator"]["parameters"],
)

TABLE_3 = Table(
    "Table 3", "Discriminator",
    (
        Layer("conv2d_24", 4, 2, 3, 64, 3_136),
        Layer("conv2d_25", 4, 2, 64, 64, 65_600),
        Layer("conv2d_26", 4, 2, 64, 128, 131_200),
        Layer("conv2d_27", 4, 2, 128, 256, 524_544),
        Layer("conv2d_28", 4, 1, 256, 512, 2_097_664),
        Layer("conv2d_29", 4, 1, 512, 1, 8_193),
    ),
    TABLE_1["Discriminator"]["parameters"],
)

# Section 3.1 and 3.2. PSNR is in decibels.
TRAINING = {
    "images": 500, "width": 1280, "height": 720, "patch": 256,
    "batch": 16, "epochs": 40, "learning_rate": 1e-4,
    "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "hours": 3,
}

TABLE_4 = {
    "PSNR": {"maximum": 32.33, "minimum": 25.39, "mean": 29.30},
    "SSIM": {"maximum": 0.77, "minimum": 0.65, "mean": 0.72},
}

TABLE_5 = {
    "Kupyn et al [2]": {"PSNR": 28.7, "SSIM": 0.958},
    "Nah et al [3]": {"PSNR": 28.93, "SSIM": 0.91},
    "Ji et al [4]": {"PSNR": 31.15, "SSIM": 0.96},
    "This work": {"PSNR": 29.3, "SSIM": 0.72},
}
