"""Forking the worker's processes: each child gets a channel of its own, its output descriptor, and a sandbox plan that
is applied before it touches anything that a stranger wrote.

Threads: the caller must be single-threaded at every fork (the native half refuses otherwise). A process that ran
untrusted code is never the parent of another one.
"""

import errno
import os
import sys
import traceback
from typing import Callable

import _passnet_worker as native

from . import channel as channels

CONTROL_FD = 3  # the channel of every process of the worker; plans keep this descriptor and 0 to 2
MAX_REASON = 2000


class Role:
    def prepare(self, message: dict, fds: list[int]) -> None:
        """Still unjailed, still trusted code: takes what the first frame brings."""

    def jailed(self) -> None:
        """Under the plan, before the evaluator is told so and before anything of a stranger's runs: what fails here is ours."""

    def run(self) -> None:
        """Under the plan."""
        raise NotImplementedError


def become(make_role: Callable[[channels.Channel], Role], control_fd: int, output_fd: int, plan: bytes) -> int:
    """The child's whole life after the fork; returns its exit status."""
    os.dup2(control_fd, CONTROL_FD, inheritable=False)
    os.dup2(output_fd, 1)
    os.dup2(output_fd, 2)
    try:
        channel = channels.Channel(CONTROL_FD)
        role = make_role(channel)
        # The evaluator puts this process into its control group before it sends the first frame.
        message, fds = channel.receive()
        role.prepare(message, fds)
        error = native.apply(plan) if plan else None
        if error is not None:
            channel.send({"jailed": False, "step": error[0], "what": error[1], "errno": error[2]})
            return 1
        try:
            role.jailed()
        except Exception as failed:
            traceback.print_exc()
            what = "".join(traceback.format_exception_only(failed)).strip()[:MAX_REASON]
            channel.send({"jailed": False, "step": "device", "what": what, "errno": errno.EIO})
            return 1
        channel.send({"jailed": True})
        role.run()
        return 0
    except channels.Closed:
        return 0
    except BaseException:  # the child must never return into its parent's code
        traceback.print_exc()
        return 1


class Children:
    """The fork and wait commands, which the zygote and every task child answer alike. Made after the own plan."""

    def __init__(self, channel: channels.Channel, plans: dict[str, bytes]):
        self.channel = channel
        self.plans = plans
        self.namespace = native.save_pid_namespace()

    def fork(self, message: dict, fds: list[int], make_role: Callable[[channels.Channel], Role]) -> None:
        """fds: [the child's control socket, its output]. Answers {"pid"} with a pidfd."""
        control, output = fds
        plan = self.plans[message["plan"]]
        # A child without a plan of its own (TorchInductor's) stays in this process's pid namespace.
        if plan:
            native.prepare_fork()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = become(make_role, control, output, plan)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(status)
        if plan:
            native.after_fork(self.namespace)
        channels.close_all([control, output])
        pidfd = os.pidfd_open(pid)
        self.channel.send({"pid": pid}, [pidfd])
        os.close(pidfd)

    def serve(self, role_of: Callable[[str], Callable[[channels.Channel], Role]]) -> None:
        """Answers fork and wait until the evaluator closes the channel; role_of(name) makes the child's role."""
        while True:
            message, fds = self.channel.receive()
            if message["cmd"] == "fork":
                self.fork(message, fds, role_of(message["role"]))
            elif message["cmd"] == "wait":
                self.wait(message)

    def wait(self, message: dict) -> None:
        """Blocks until the child ended: {"exited": code} or {"signalled": signal}."""
        _, status = os.waitpid(message["pid"], 0)
        if os.WIFSIGNALED(status):
            self.channel.send({"signalled": os.WTERMSIG(status)})
        else:
            self.channel.send({"exited": os.WEXITSTATUS(status)})
