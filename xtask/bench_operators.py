"""Times PyTorch's operators, most of which are oneDNN's, on the shapes that the names of kernels tell.

Usage: python bench_operators.py NAME...

Prints a JSON object a line: the kernel's name and the median seconds with one thread. A name that tells of nothing known here is
left out. Images are in the faster of PyTorch's two layouts for each kernel; refrain has channels last.
"""

import json
import re
import statistics
import sys
import time

import torch
from torch.nn import functional as F

# Seconds of a measurement, and of the calls before it.
MEASURE, WARM_UP = 0.6, 0.2


def numbers(text):
    return [int(number) for number in text.split("x")]


def product(shape, turned):
    m, k, n = numbers(shape)
    a = torch.randn(k, m).T if turned == "left turned" else torch.randn(m, k)
    b = torch.randn(n, k).T if turned == "right turned" else torch.randn(k, n)
    c = torch.empty(m, n)
    return [lambda: torch.mm(a, b, out=c)]


def in_both_layouts(make):
    """What a function makes for images whose channels are first, and last."""
    return lambda *arguments: [make(layout, *arguments) for layout in (torch.contiguous_format, torch.channels_last)]


def convolution(layout, shape, filters, size, stride, task):
    """A convolution of images, or a gradient of it alone; without filters one of each channel."""
    n, height, width, channels = numbers(shape)
    groups = 1 if filters else channels
    filters = int(filters or channels)
    size, stride = int(size), int(stride)
    out = -(-height // stride)
    padding = max((out - 1) * stride + size - height, 0)
    x = torch.randn(n, channels, height, width)
    if padding % 2:
        # PyTorch pads all sides alike; the image is made as large as its padding would make it.
        x = F.pad(x, (0, 1, 0, 1))
    w = torch.randn(filters, channels // groups, size, size)
    x, w = x.contiguous(memory_format=layout), w.contiguous(memory_format=layout)
    pad = padding // 2
    if task == "forward":
        return lambda: F.conv2d(x, w, stride=stride, padding=pad, groups=groups)
    y = torch.randn_like(F.conv2d(x, w, stride=stride, padding=pad, groups=groups))
    wanted = [task == "input gradient", task == "kernel gradient", False]
    arguments = [y, x, w, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], groups, wanted]
    return lambda: torch.ops.aten.convolution_backward(*arguments)


def rows(operator):
    def run(shape):
        x = torch.randn(*numbers(shape))
        return [lambda: operator(x)]

    return run


def max_pool(layout, shape):
    n, height, width, channels = numbers(shape)
    x = torch.randn(n, channels, height, width).contiguous(memory_format=layout)
    return lambda: F.max_pool2d(x, 2)


KERNELS = {
    r"product (\d+x\d+x\d+)(?:, (left turned|right turned|right packed))?": product,
    r"conv (\S+) to (\d+), (\d+)x\d+, stride (\d+), (.*)": in_both_layouts(convolution),
    r"depthwise (\S+),() (\d+)x\d+, stride (\d+), (.*)": in_both_layouts(convolution),
    r"max pool 2x2 of (\S+)": in_both_layouts(max_pool),
    r"exp (\S+)": rows(torch.exp),
    r"tanh (\S+)": rows(torch.tanh),
    r"erf (\S+)": rows(torch.erf),
    r"logistic (\S+)": rows(torch.sigmoid),
    r"sum of rows (\S+)": rows(lambda x: x.sum(1)),
    r"sum of columns (\S+)": rows(lambda x: x.sum(0)),
    r"softmax (\S+)": rows(lambda x: torch.softmax(x, 1)),
    r"layer norm (\S+)": rows(lambda x: F.layer_norm(x, x.shape[1:], eps=1e-3)),
}


def seconds(run):
    """The median of calls."""

    def calls(duration):
        start, times = time.perf_counter(), []
        while time.perf_counter() - start < duration:
            before = time.perf_counter()
            run()
            times.append(time.perf_counter() - before)
        return times

    calls(WARM_UP)
    return statistics.median(calls(MEASURE))


torch.set_num_threads(1)
torch.set_grad_enabled(False)
for name in sys.argv[1:]:
    for pattern, make in KERNELS.items():
        if match := re.fullmatch(pattern, name):
            fastest = min(seconds(run) for run in make(*match.groups()))
            print(json.dumps(dict(kernel=name, seconds=fastest)), flush=True)
