"""The zygote: imports torch, Dynamo and the worker's code once, warms Dynamo with one capture of its own, freezes the
garbage collector's generations, and forks. It never sees a byte that a candidate or a task folder wrote.

Started by the evaluator inside its own namespaces as `python -m passnet_worker.zygote`, its channel on descriptor 3.
Threads: one, at every fork. OMP_NUM_THREADS and MKL_NUM_THREADS must be set before exec: torch.set_num_threads alone
leaves two.
"""

import gc
import importlib.util
import os
import sys

import torch

from . import capture, channel as channels, device, match, processes, roles, screen, trace  # noqa: F401 (imported to be forked)


def warm_dynamo() -> None:
    class Warm(torch.nn.Module):
        def forward(self, a, b):
            return (torch.nn.functional.layer_norm(a + b, (4,), None, None, 1e-5).relu(),)

    capture.capture(Warm(), [torch.empty(2, 4), torch.empty(4)])
    torch._dynamo.reset()


def warm_triton() -> dict[str, str]:
    """Triton with the key of its cache, a hash of its own files: it takes a second, and no timed process should read them.
    Its version, where it is there."""
    if importlib.util.find_spec("triton") is None:
        return {}
    import triton
    from triton.runtime.cache import triton_key

    from . import triton_device  # noqa: F401 (imported to be forked)

    triton_key()
    return {"triton": triton.__version__}


def main() -> None:
    channel = channels.Channel(processes.CONTROL_FD)
    device.hide()
    warm_dynamo()
    message, _ = channel.receive()
    found = warm_triton() if message.get("cuda", False) else {}
    plans = {name: bytes.fromhex(text) for name, text in message["plans"].items()}
    children = processes.Children(channel, plans)
    gc.collect()
    gc.freeze()
    channel.send({"ready": True, "torch": torch.__version__, "python": sys.version.split()[0],
                  "threads": torch.get_num_threads(), "tasks": len(os.listdir("/proc/self/task")),
                  **found})
    children.serve(lambda name: lambda child: roles.ROLES[name](child, plans))


if __name__ == "__main__":
    try:
        main()
    except channels.Closed:
        pass
