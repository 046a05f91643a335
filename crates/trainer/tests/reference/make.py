"""Writes the figures that the trainer is held against, as PyTorch and torchvision give them.

    python -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python make.py [FOLDER WITH weights/resnet20-cifar10.safetensors]

Inputs and weights are formulas of their index, so that both sides can make them without a file.
"""

import copy
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F
import torchvision
from efficientnet_lite_pytorch import EfficientNet
from torchvision.models.vision_transformer import interpolate_embeddings

HERE = pathlib.Path(__file__).parent


def save(name, value):
    (HERE / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")


def wave(count, phase):
    """`sin(1.7 i + phase)` for i from 0, worked out in double precision."""
    return torch.tensor([math.sin(1.7 * i + phase) for i in range(count)], dtype=torch.float64)


def images(count, side):
    return wave(count * 3 * side * side, 0.5).float().reshape(count, 3, side, side)


class Lamb(torch.optim.Optimizer):
    """You et al. 2020, *Large batch optimization for deep learning*, algorithm 2, with the identity for their φ. As in the authors'
    own program, parameters that are not decayed on purpose (biases, normalisations) are not adapted by layer."""

    def __init__(self, groups, lr):
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, "is_adapted": True})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for x in group["params"]:
                state = self.state[x]
                if not state:
                    state.update(t=0, m=torch.zeros_like(x), v=torch.zeros_like(x))
                state["t"] += 1
                m, v, g = state["m"], state["v"], x.grad
                m.mul_(0.9).add_(0.1 * g)
                v.mul_(0.999).add_(0.001 * g * g)
                r = m / (1 - 0.9 ** state["t"]) / ((v / (1 - 0.999 ** state["t"])).sqrt() + 1e-6)
                update = r + group["weight_decay"] * x
                ratio = x.norm() / update.norm() if group["is_adapted"] else 1.0
                x -= group["lr"] * ratio * update


class MuonWithAdamW:
    """PyTorch's Muon for matrices, convolutions as output channels × all else, and its AdamW for the rest."""

    def __init__(self, groups, lr):
        self.matrices, rest = [], []
        for group in groups:
            decay = group["weight_decay"]
            flat = [(p, p.detach().reshape(p.shape[0], -1)) for p in group["params"] if p.dim() > 1]
            self.matrices.append((flat, torch.optim.Muon([f for _, f in flat], lr, decay, adjust_lr_fn="match_rms_adamw") if flat else None))
            others = [p for p in group["params"] if p.dim() == 1]
            if others:
                rest.append({"params": others, "weight_decay": decay})
        self.rest = torch.optim.AdamW(rest, lr)
        made = [self.rest, *(muon for _, muon in self.matrices if muon)]
        self.param_groups = [group for optimizer in made for group in optimizer.param_groups]

    def step(self):
        self.rest.step()
        for flat, muon in self.matrices:
            for p, matrix in flat:
                matrix.grad = p.grad.reshape(matrix.shape)
            if muon:
                muon.step()


def optimizers(muon_in_32_bits=True):
    """Ten steps of a convolution, a matrix and a bias along given gradients."""
    shapes = [(4, 2, 3, 3), (5, 3), (5,)]
    sizes = [math.prod(shape) for shape in shapes]

    def parts(phase):
        return [part.reshape(shape) for part, shape in zip(wave(sum(sizes), phase).float().split(sizes), shapes)]

    made = {
        "adamw": (lambda groups, lr: torch.optim.AdamW(groups, lr), 0.1),
        "sgd": (lambda groups, lr: torch.optim.SGD(groups, lr, momentum=0.9, nesterov=True), 0.1),
        "sgd-momentum": (lambda groups, lr: torch.optim.SGD(groups, lr, momentum=0.9), 0.1),
        "adam": (lambda groups, lr: torch.optim.Adam(groups, lr), 0.1),
        "rmsprop": (lambda groups, lr: torch.optim.RMSprop(groups, lr), 0.01),
        "lamb": (Lamb, 0.1),
        "muon": (MuonWithAdamW, 0.1),
    }
    to_bfloat16 = torch.Tensor.bfloat16
    if muon_in_32_bits:
        # Muon's iteration is made in bfloat16 there, whose rounding differs from processor to processor.
        torch.Tensor.bfloat16 = lambda tensor: tensor.clone()
    out = []
    for name, (make, rate) in made.items():
        for weight_decay, scope in [(0.0, "all"), (0.05, "all"), (0.05, "weights")]:
            weights = [part.clone().requires_grad_() for part in parts(0.0)]
            groups = [{"params": [p], "weight_decay": weight_decay if scope == "all" or p.dim() > 1 else 0.0} for p in weights]
            if name == "lamb":
                for group in groups:
                    group["is_adapted"] = group["params"][0].dim() > 1
            optimizer = make(groups, rate)
            steps = []
            for step in range(10):
                for group in optimizer.param_groups:
                    group["lr"] = rate / (step + 1)
                for weight, gradient in zip(weights, parts(step + 1.0)):
                    weight.grad = gradient
                optimizer.step()
                if step + 1 in (1, 2, 5, 10):
                    numbers = torch.cat([weight.detach().flatten() for weight in weights]).tolist()
                    steps.append([step + 1, [float(f"{number:.9g}") for number in numbers]])
            out.append({"optimizer": name, "rate": rate, "weight_decay": weight_decay, "decay_scope": scope, "weights": steps})
    torch.Tensor.bfloat16 = to_bfloat16
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in out)
    (HERE / "optimizers.json").write_text(f"[\n{lines}\n]\n")


def focal(logits, shares, gamma, weights, divisor):
    """Lin et al. 2017, *Focal loss for dense object detection*, −α (1 − p)^γ log p, for a softmax: summed over the classes by their
    shares in the sample, α being the weight of a class."""
    log = logits.log_softmax(-1)
    return -(weights * shares * (1 - log.exp()) ** gamma * log).sum() / divisor


def losses():
    """Loss and gradient of six samples of four classes; of mixed ones `lambda` is the share of their own label."""
    labels = torch.tensor([0, 1, 2, 1, 3, 1])
    counts = torch.bincount(labels).double()
    inverse = len(labels) / (4 * counts)
    one_hot = F.one_hot(labels).double()
    out = []
    for gamma in (0.0, 0.5, 2.0):
        for smoothing in (0.0, 0.1):
            for class_weights, weights in (("even", torch.ones(4, dtype=torch.float64)), ("inverse", inverse)):
                for share in (None, 0.7):
                    logits = (3 * wave(24, 0.3)).reshape(6, 4).requires_grad_()
                    mixed = one_hot if share is None else share * one_hot + (1 - share) * one_hot.roll(1, 0)
                    target = labels if share is None else mixed
                    if gamma == 0.0:
                        loss = F.cross_entropy(logits, target, weight=weights, label_smoothing=smoothing)
                    else:
                        smooth = (1 - smoothing) * mixed + smoothing / 4
                        divisor = weights[labels].sum() if share is None else len(labels)
                        loss = focal(logits, smooth, gamma, weights, divisor)
                    loss.backward()
                    out.append({
                        "loss": {"label_smoothing": smoothing, "class_weights": class_weights, "focal_gamma": gamma},
                        "lambda": share,
                        "mean": loss.item(),
                        "gradient": logits.grad.flatten().tolist(),
                    })
    # With two classes a softmax is a sigmoid of the difference, of which torchvision has the focal loss.
    two, which = (3 * wave(12, 0.3)).reshape(6, 2), labels % 2
    theirs = torchvision.ops.sigmoid_focal_loss(two[:, 1] - two[:, 0], which.double(), alpha=-1, gamma=2.0, reduction="mean")
    ours = focal(two, F.one_hot(which).double(), 2.0, torch.ones(2, dtype=torch.float64), 6)
    assert torch.allclose(theirs, ours, rtol=1e-12), (theirs, ours)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in out)
    (HERE / "losses.json").write_text(f"[\n{lines}\n]\n")


def clipping():
    """A gradient of two parameters, by norms that are less and more than its own."""
    out = []
    for most in (0.5, 2.0, 100.0):
        parameters = [torch.zeros(4), torch.zeros(3)]
        for parameter, gradient in zip(parameters, wave(7, 0.2).float().split([4, 3])):
            parameter.grad = gradient.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, most)
        clipped = torch.cat([parameter.grad for parameter in parameters])
        out.append({"most": most, "norm": norm.item(), "gradient": clipped.tolist()})
    save("clipping", out)


def averages():
    """The averages of weights and running statistics over ten steps."""
    out = []
    for decay in (0.5, 0.99):
        model = torch.nn.BatchNorm1d(3)
        average = torch.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay), use_buffers=True
        )
        steps = []
        for step in range(10):
            numbers = wave(12, float(step)).float().split(3)
            with torch.no_grad():
                for tensor, value in zip((model.weight, model.bias, model.running_mean, model.running_var), numbers):
                    tensor.copy_(value)
            average.update_parameters(model)
            of = average.module
            steps.append(torch.cat([of.weight, of.bias, of.running_mean, of.running_var]).tolist())
        out.append({"decay": decay, "averages": steps})
    save("averages", out)


def schedules():
    """The learning rate of every step, for a peak of 0.4."""
    out = []
    for total in (1, 2, 3, 10, 57):
        for name, make in [
            ("constant", lambda o: torch.optim.lr_scheduler.ConstantLR(o, factor=1.0)),
            ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=total)),
            ("one-cycle", lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.4, total_steps=total, cycle_momentum=False)),
        ]:
            optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
            schedule = make(optimizer)
            rates = []
            for _ in range(total):
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                if len(rates) < total:
                    schedule.step()
            out.append({"schedule": name, "total": total, "rates": rates})
    save("schedules", out)


def scatter(count, phase):
    """As good as random: uniform with mean 0 and variance 1. Deep networks forget their input where weights are waves."""
    values = torch.sin(torch.arange(1, count + 1, dtype=torch.float64) * 12.9898 + phase) * 43758.5453
    return (values - values.floor() - 0.5) * math.sqrt(12.0)


def with_formulas(model, formula=wave, gain=4.0):
    """Gives the model weights that are formulas; returns names and shapes in order."""
    names, state = [], {}
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        names.append([name, list(tensor.shape)])
        values = formula(tensor.numel(), float(len(names) - 1))
        if tensor.dim() > 1:
            values *= math.sqrt(gain / (tensor.numel() / tensor.shape[0]))
        elif not name.endswith(("bias", "running_mean")):
            values = 1.0 + 0.1 * values
        else:
            values *= 0.1
        state[name] = values.float().reshape(tensor.shape)
    missing = model.load_state_dict(state, strict=False)
    assert not missing.unexpected_keys and all("num_batches" in name for name in missing.missing_keys)
    return names


def resnet18():
    """Names and shapes, and the logits of two images of 80 pixels for weights that are formulas."""
    model = torchvision.models.resnet18(num_classes=4).eval()
    names = with_formulas(model)
    with torch.no_grad():
        save("resnet18", {"tensors": names, "logits": model(images(2, 80)).tolist()})


def places(count):
    """Up to four places, spread over a tensor of `count` numbers."""
    return [count * part // 4 for part in range(min(count, 4))]


def distance_to_kinks(model, input):
    """How near any number comes to where an activation bends: on the other side its gradient is another."""
    bends = {
        torch.nn.ReLU: (0.0,),
        torch.nn.ReLU6: (0.0, 6.0),
        torch.nn.Hardswish: (-3.0, 3.0),
        torch.nn.Hardsigmoid: (-3.0, 3.0),
    }
    nearest = [float("inf")]

    def look(module, args):
        # Relative to the size of the numbers: their rounding goes by it.
        size = args[0].abs().mean()
        for bend in bends[type(module)]:
            nearest.append(((args[0] - bend).abs().min() / size).item())

    hooks = [m.register_forward_pre_hook(look) for m in model.modules() if type(m) in bends]
    with torch.no_grad():
        model(input)
    for hook in hooks:
        hook.remove()
    return min(nearest)


def steady(model):
    """A copy in training mode, but for what is left out by chance."""
    model = copy.deepcopy(model).train()
    for module in model.modules():
        if isinstance(module, (torch.nn.Dropout, torchvision.ops.StochasticDepth)):
            module.p = 0.0
    return model


def gradients_of(model, logits):
    """Of the cross-entropy, for each parameter: the norm, the largest number, and up to four numbers."""
    model.zero_grad()
    F.cross_entropy(logits, torch.tensor([0, 3])).backward()
    gradients = {}
    for name, parameter in model.named_parameters():
        flat = parameter.grad.flatten()
        values = [flat[place].item() for place in places(flat.numel())]
        gradients[name] = {"norm": flat.norm().item(), "largest": flat.abs().max().item(), "values": values}
    return gradients


def with_gradients(file, models, side, norm=None, training=False):
    """As for ResNet-18, with gradients of the cross-entropy, and what a training pass does to the statistics of `norm`; with
    `training` also logits and gradients of that pass, and how the first numbers of parameters are spread."""
    out = []
    for name, model in models:
        first = {
            parameter_name: [parameter.mean().item(), parameter.std(unbiased=False).item()]
            for parameter_name, parameter in model.named_parameters()
            if training or norm is None
        }
        model.eval()
        names = with_formulas(model, scatter, 2.0)
        # Of some inputs the one that is safest from rounding.
        inputs = [scatter(2 * 3 * side * side, phase).float().reshape(2, 3, side, side) for phase in range(60)]
        if norm is None:
            phase = 0
        elif training:
            distances = [
                min(distance_to_kinks(model, input), distance_to_kinks(steady(model), input)) for input in inputs
            ]
            phase = max(range(60), key=lambda phase: distances[phase])
        else:
            phase = max(range(60), key=lambda phase: distance_to_kinks(model, inputs[phase]))
        input = inputs[phase]
        print(name, "phase", phase, "distance", distance_to_kinks(model, input))
        logits = model(input)
        case = {
            "model": name,
            "side": side,
            "phase": phase,
            "tensors": names,
            "logits": logits.tolist(),
            "gradients": gradients_of(model, logits),
            "statistics": {},
        }
        if norm is not None:
            trained = steady(model)
            logits = trained(input)
            buffers = dict(trained.named_buffers())
            parts = ("running_mean", "running_var")
            case["statistics"] = {f"{norm}.{part}": buffers[f"{norm}.{part}"].tolist() for part in parts}
            if training:
                case |= {"train_logits": logits.tolist(), "train_gradients": gradients_of(trained, logits)}
        if first:
            case["first"] = first
        out.append(case)
    compact = json.dumps(out, separators=(",", ":")).replace('{"model"', '\n{"model"').replace('],["', '],\n["')
    (HERE / file).write_text(compact.replace('},"', '},\n"') + "\n")


def efficientnet_lite():
    names = [f"efficientnet-{size}" for size in ("lite0", "lite1", "lite2")]
    models = [(name, EfficientNet.from_name(name, num_classes=4, image_size=40)) for name in names]
    with_gradients("efficientnet-lite.json", models, 40, "_bn0")


def resnets():
    # Larger than the images that get another stem.
    models = [(name, getattr(torchvision.models, name)(num_classes=4)) for name in ("resnet34", "resnet50")]
    with_gradients("resnets.json", models, 66, "bn1")


def mobilenets():
    models = [
        (f"mobilenet-v3-{size}", getattr(torchvision.models, f"mobilenet_v3_{size}")(num_classes=4))
        for size in ("small", "large")
    ]
    with_gradients("mobilenets.json", models, 72, "features.0.1", training=True)


def efficientnet_b0():
    models = [("efficientnet-b0", torchvision.models.efficientnet_b0(num_classes=4))]
    with_gradients("efficientnet-b0.json", models, 72, "features.0.1", training=True)


def convnext():
    with_gradients("convnext.json", [("convnext-tiny", torchvision.models.convnext_tiny(num_classes=4))], 64)


def vit_tiny(side):
    sizes = {"patch_size": 4, "num_layers": 6, "num_heads": 3, "hidden_dim": 192, "mlp_dim": 768}
    return torchvision.models.VisionTransformer(image_size=side, num_classes=4, **sizes)


def vits():
    models = [("vit-tiny", vit_tiny(48)), ("vit-b16", torchvision.models.vit_b_16(num_classes=4, image_size=48))]
    with_gradients("vits.json", models, 48)


def vit_positions():
    """The first five numbers of each token's position, from 4 × 4 patches to others."""
    out = []
    for side in (20, 28):
        state = {"encoder.pos_embedding": scatter(17 * 192, 7.0).float().reshape(1, 17, 192)}
        state = interpolate_embeddings(image_size=side, patch_size=4, model_state=state)
        out.append({"side": side, "positions": state["encoder.pos_embedding"][0, :, :5].tolist()})
    save("vit-positions", out)


def published(path):
    """The ten highest logits of two images of 224 pixels for the published weights of EfficientNet-Lite0."""
    model = EfficientNet.from_name("efficientnet-lite0").eval()
    model.load_state_dict(torch.load(path, weights_only=True))
    with torch.no_grad():
        highest = model(images(2, 224)).topk(10)
    save("efficientnet-lite0-published", {"classes": highest.indices.tolist(), "logits": highest.values.tolist()})


def pytorch_files():
    """A state dict in both forms of `torch.save`: kinds, strides, an offset and a shared storage."""
    base = wave(24, 0.0).float()
    tensors = {
        "plain.weight": base.clone().reshape(2, 3, 4),
        "strided.weight": base.clone().reshape(4, 6).t(),
        "part.weight": base[5:17].reshape(3, 4),
        "shared.weight": base,
        "in_half": base[:7].half(),
        "in_bfloat16": base[:7].bfloat16(),
        "in_double": base[:7].double(),
        "norm.num_batches_tracked": torch.tensor(123456789012),
        "of_none": torch.zeros(0, 3),
    }
    model = torch.nn.Module()
    for name, tensor in tensors.items():
        module = model
        *path, last = name.split(".")
        for part in path:
            if not hasattr(module, part):
                module.add_module(part, torch.nn.Module())
            module = getattr(module, part)
        module.register_buffer(last, tensor)
    state = model.state_dict()  # With the attribute that carries versions.
    torch.save(state, HERE / "tensors.pth")
    torch.save(state, HERE / "tensors-legacy.pth", _use_new_zipfile_serialization=False)
    save("tensors", {name: [list(t.shape), t.flatten().double().tolist()] for name, t in state.items()})


def resnet20(folder):
    """The logits of two images of 32 pixels for the trained weights."""
    from safetensors.torch import load_file

    w = load_file(folder / "weights" / "resnet20-cifar10.safetensors")

    def norm(x, name):
        parts = [w[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *parts)

    x = F.relu(norm(F.conv2d(images(2, 32), w["conv1.weight"], padding=1), "bn1"))
    for stage in (1, 2, 3):
        for block in range(3):
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            y = F.relu(norm(F.conv2d(x, w[f"{name}.conv1.weight"], stride=stride, padding=1), f"{name}.bn1"))
            y = norm(F.conv2d(y, w[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
            if stride == 2:
                fill = x.shape[1] // 2
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, fill, fill))
            x = F.relu(x + y)
    logits = F.linear(x.mean(dim=(2, 3)), w["linear.weight"], w["linear.bias"])
    save("resnet20", {"logits": logits.tolist()})


optimizers()
losses()
clipping()
averages()
schedules()
resnet18()
efficientnet_lite()
resnets()
mobilenets()
efficientnet_b0()
convnext()
vits()
vit_positions()
pytorch_files()
if len(sys.argv) > 1:
    resnet20(pathlib.Path(sys.argv[1]))
published_weights = HERE.parents[3] / "data/weights/efficientnet-lite0-imagenet.pth"  # From `cargo xtask weights`.
if published_weights.exists():
    published(published_weights)
