"""The chain that an evaluation uses, with torch inside every jail: zygote -> task child -> candidate child.

Started by sandbox_torch_test.cc as a sandbox::Child. Arguments: the shared object that carries sandbox/apply, and the
descriptors of the task child's and of the candidate child's plan. Every child writes one line of facts to standard
output; the last line is "done".
"""
import ctypes
import gc
import os
import sys
import time

import torch
import torch._dynamo


class ApplyError(ctypes.Structure):
    _fields_ = [("error_number", ctypes.c_int32), ("step", ctypes.c_char * 32), ("what", ctypes.c_char * 160)]

    def text(self):
        return f"{self.step.decode()} {self.what.decode()}: {os.strerror(self.error_number)}"


apply_library = ctypes.CDLL(sys.argv[1])
apply_library.pn_sandbox_apply.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ApplyError)]


def read_plan(descriptor):
    return os.pread(descriptor, 1 << 20, 0)


task_plan = read_plan(int(sys.argv[2]))
candidate_plan = read_plan(int(sys.argv[3]))


def say(text):
    os.write(1, (text + "\n").encode())


def fork_jailed(plan, run):
    """Runs `run` in a forked child that is pid 1 of a new pid namespace and has applied `plan`. Returns (pid, seconds)."""
    error = ApplyError()
    saved = apply_library.pn_sandbox_save_pid_namespace(ctypes.byref(error))
    start = time.monotonic()
    if apply_library.pn_sandbox_prepare_fork(ctypes.byref(error)) != 0:
        raise RuntimeError(error.text())
    pid = os.fork()
    if pid == 0:
        if apply_library.pn_sandbox_apply(plan, len(plan), ctypes.byref(error)) != 0:
            say("apply failed: " + error.text())
            os._exit(3)
        try:
            run()
        except BaseException as problem:  # whatever it is, it must not unwind into the parent's stack
            say(f"child raised {problem!r}")
            os._exit(4)
        os._exit(0)
    if apply_library.pn_sandbox_after_fork_parent(saved, ctypes.byref(error)) != 0:
        raise RuntimeError(error.text())
    os.close(saved)
    return pid, start


def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def model(x, w):
    return torch.nn.functional.gelu(x @ w) + 1.0


captured = []


def backend(graph_module, example_inputs):
    captured.append(graph_module)
    return graph_module.forward


def attempt(action):
    try:
        action()
        return "worked"
    except OSError as refusal:
        return refusal.strerror


def candidate():
    x, w = torch.randn(64, 64), torch.randn(64, 64)
    eager = model(x, w)
    graph = captured[0](x, w)
    equal = torch.equal(eager, graph[0] if isinstance(graph, tuple) else graph)
    soft = torch.softmax(torch.nn.functional.layer_norm(x, [64]), -1).sum().item()
    say(f"candidate pid={os.getpid()} equal={equal} softmax={soft:.0f}")
    say("candidate fork: " + attempt(os.fork))
    say("candidate write: " + attempt(lambda: open("/dev/shm/x", "w")))
    say("candidate tmp: " + attempt(lambda: open("/tmp/passnet-test-file", "w").write("x")))
    say("candidate affinity: " + attempt(lambda: os.sched_setaffinity(0, {0, 1})))
    say("candidate zygote's tmp: " + attempt(lambda: os.stat("/tmp/zygote_was_here")))


def task():
    say(f"task pid={os.getpid()}")
    torch._dynamo.reset()
    torch.compile(model, backend=backend)(torch.zeros(64, 64), torch.zeros(64, 64))
    say(f"task captured={len(captured)}")
    pid, _ = fork_jailed(candidate_plan, candidate)
    say(f"candidate exit={wait(pid)}")


torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(2))
open("/tmp/zygote_was_here", "w").close()
gc.collect()
gc.freeze()
say(f"zygote pid={os.getpid()} torch={torch.__version__}")
for _ in range(2):
    pid, _ = fork_jailed(task_plan, task)
    say(f"task exit={wait(pid)}")


def cost(plan, fork):
    spans = []
    for _ in range(30):
        read_end, write_end = os.pipe()
        start = time.monotonic()
        pid = fork(plan, lambda: os.write(1, b"")) if plan else os.fork()
        if pid == 0:
            os._exit(0)
        if isinstance(pid, tuple):
            pid = pid[0]
        os.waitpid(pid, 0)
        spans.append((time.monotonic() - start) * 1e3)
        os.close(read_end)
        os.close(write_end)
    return sorted(spans)[len(spans) // 2]


def measure():
    plain = cost(None, None)
    jailed = cost(candidate_plan, fork_jailed)
    say(f"fork+exit+wait p50: plain {plain:.2f} ms, candidate jail {jailed:.2f} ms, more {jailed - plain:.2f} ms")


if len(sys.argv) > 4 and sys.argv[4] == "measure":
    wait(fork_jailed(task_plan, measure)[0])
say("done")
