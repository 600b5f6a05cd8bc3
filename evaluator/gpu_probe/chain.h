// Stands where a lane's zygote stands: forks a task child, which forks a candidate child, each behind its plan, and calls
// `last` in the innermost. So what works there works where candidates run.
// Threads: the process must have one. Errors: a line of the trial "jail" on standard output, and a return of false.
#pragma once

#include <functional>
#include <string>

namespace passnet::gpu_probe {

// The plan that stands in a descriptor; empty when it cannot be read.
std::string PlanIn(int descriptor);

// True when both children ended with status 0, the inner one with what `last` returned.
bool RunInChain(const std::string& task_plan, const std::string& candidate_plan, const std::function<int()>& last);

}  // namespace passnet::gpu_probe
