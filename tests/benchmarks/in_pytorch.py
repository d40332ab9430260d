"""The report's networks in PyTorch, layer for layer, with the weights of the course's.

What TensorFlow calls "same" pads an even side with less on the left than on the right; PyTorch pads
both sides alike. `Conv` pads by hand where the two differ, so that equal weights give equal outputs.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Conv(nn.Conv2d):
    """Convolution with TensorFlow's "same" padding, for sides that the stride divides."""

    def __init__(self, c_in: int, c_out: int, k: int, stride: int = 1):
        total = k - stride
        self.uneven = (total // 2, total - total // 2) * 2 if total % 2 else None
        super().__init__(c_in, c_out, k, stride, padding=0 if self.uneven else total // 2)

    def forward(self, x):
        return super().forward(F.pad(x, self.uneven) if self.uneven else x)


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.1)


class Block(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(Conv(channels, channels, 3), norm(channels), nn.ReLU(inplace=True),
                                  Conv(channels, channels, 3), norm(channels))

    def forward(self, x):
        return x + self.body(x)


class Generator(nn.Module):
    """`networks.generator()` with output "residual"."""

    def __init__(self, width: int = 64, blocks: int = 9):
        super().__init__()
        w = width

        def stage(c_in, c_out, k, stride=1):
            return Conv(c_in, c_out, k, stride), norm(c_out), nn.ReLU(inplace=True)

        self.body = nn.Sequential(
            *stage(3, w, 7), *stage(w, 2 * w, 3, 2), *stage(2 * w, 4 * w, 3, 2),
            *(Block(4 * w) for _ in range(blocks)),
            nn.Upsample(scale_factor=2), *stage(4 * w, 2 * w, 3), nn.Upsample(scale_factor=2), *stage(2 * w, w, 3),
            Conv(w, 3, 7), nn.Tanh())

    def forward(self, blurred):
        return (blurred + self.body(blurred)).clamp(-1, 1)


class Discriminator(nn.Module):
    """`networks.discriminator(size)`."""

    def __init__(self, size: int = 256, w: int = 64):
        super().__init__()
        body = [Conv(3, w, 4, 2), nn.LeakyReLU(0.2, inplace=True)]
        channels = w
        for c_out, stride in ((w, 2), (2 * w, 2), (4 * w, 2), (8 * w, 1)):
            body += [Conv(channels, c_out, 4, stride), norm(c_out), nn.LeakyReLU(0.2, inplace=True)]
            channels = c_out
        self.body = nn.Sequential(*body, Conv(channels, 1, 4), nn.Flatten(), nn.Linear((size // 16) ** 2, 1024), nn.Tanh(),
                                  nn.Linear(1024, 1))

    def forward(self, image):
        return torch.sigmoid(self.body(image))


class Vgg(nn.Module):
    """VGG16 to block3_conv3, for images in [-1, 1], frozen."""

    MEAN = (103.939, 116.779, 123.68)

    def __init__(self, weights: dict):
        super().__init__()
        layers = []
        for name in sorted({key.split("/")[0] for key in weights}):
            if name in ("block2_conv1", "block3_conv1"):
                layers.append(nn.MaxPool2d(2))
            kernel = torch.from_numpy(weights[f"{name}/kernel"]).permute(3, 2, 0, 1)
            conv = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1)
            conv.weight.data, conv.bias.data = kernel.contiguous(), torch.from_numpy(weights[f"{name}/bias"])
            layers += [conv, nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers).requires_grad_(False)
        self.register_buffer("mean", torch.tensor(self.MEAN).reshape(1, 3, 1, 1))

    def forward(self, image):
        return self.body((image.flip(1) + 1) * 127.5 - self.mean).float()


def take_weights(model: nn.Module, weights: list) -> nn.Module:
    """Copy the arrays of Keras' `get_weights()`; both list their layers from input to output."""
    arrays = iter(torch.from_numpy(weight) for weight in weights)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data, layer.bias.data = next(arrays).permute(3, 2, 0, 1).contiguous(), next(arrays)
        elif isinstance(layer, nn.Linear):
            layer.weight.data, layer.bias.data = next(arrays).T.contiguous(), next(arrays)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var = (next(arrays) for _ in range(4))
    assert next(arrays, None) is None, "weights are left over"
    return model


class Step:
    """The course's adversarial step, `training.DeblurGAN.step`, for the objective "report"."""

    def __init__(self, size: int, vgg: dict, scale: float, critic_steps: int = 5):
        def prepared(model):
            return model.to(memory_format=torch.channels_last)

        self.generator, self.critic, self.vgg = prepared(Generator()), prepared(Discriminator(size)), prepared(Vgg(vgg))
        self.scale, self.critic_steps = scale, critic_steps
        adam = {"lr": 1e-4, "betas": (0.9, 0.999), "eps": 1e-8, "fused": True}
        self.optimizer = torch.optim.Adam(self.generator.parameters(), **adam)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), **adam)

    def __call__(self, blurred, sharp):
        with torch.autocast("cpu", torch.bfloat16):
            output = self.generator(blurred)
            with torch.no_grad():
                target = self.vgg(sharp)
            content = self.scale * F.mse_loss(self.vgg(output), target)
            constant = output.detach()
        for _ in range(self.critic_steps):
            with torch.autocast("cpu", torch.bfloat16):
                critic_loss = self.critic(constant).mean() - self.critic(sharp).mean()
            self.critic_optimizer.zero_grad()
            critic_loss.backward()
            self.critic_optimizer.step()
        self.critic.requires_grad_(False)
        with torch.autocast("cpu", torch.bfloat16):
            loss = 100 * content - self.critic(output).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.critic.requires_grad_(True)
        return loss.item(), critic_loss.item()
