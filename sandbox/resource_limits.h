// rlimits as plan steps. A value above our own hard limit becomes the hard limit, which is stricter than what was asked
// for; raising it would need a privilege that no jail has.
// Threads: thread-safe. Errors: none. Source: setrlimit(2).
#pragma once

#include <chrono>
#include <cstdint>

#include "sandbox/plan_writer.h"

namespace passnet::sandbox {

void AppendLimit(PlanWriter& plan, int resource, uint64_t value);

// No dump of memory: neither a file, nor a helper of the host's that is started outside of the jail and fed with one. The latter
// is refused for a limit of 1 byte alone, and 0 does not stop it (core(5), "Piping core dumps to a program"; fs/coredump.c).
void AppendNoCoreDump(PlanWriter& plan);

// Rounded up to whole seconds; SIGXCPU at the limit, SIGKILL a second later.
void AppendCpuLimit(PlanWriter& plan, std::chrono::milliseconds cpu);

}  // namespace passnet::sandbox
