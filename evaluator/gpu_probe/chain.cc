#include "evaluator/gpu_probe/chain.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "base/json.h"
#include "sandbox/apply/apply.h"

namespace passnet::gpu_probe {
namespace {

constexpr size_t kMaxPlanBytes = 1 << 20;  // a plan of ours has some 10 KB

bool Told(const std::string& problem) {
  std::printf("%s\n", Json{{"trial", "jail"}, {"ok", false}, {"found", problem}}.Dump().c_str());
  std::fflush(stdout);
  return false;
}

bool Told(const pn_apply_error& error) {
  return Told("sandbox step " + std::string(error.step) + " " + error.what + ": " + std::strerror(error.error_number));
}

bool RunBehind(const std::string& plan, const std::function<int()>& inside) {
  pn_apply_error error{};
  const int saved = pn_sandbox_save_pid_namespace(&error);
  if (saved < 0 || pn_sandbox_prepare_fork(&error) != 0) return Told(error);
  const pid_t child = ::fork();
  if (child == 0) {
    if (pn_sandbox_apply(plan.data(), plan.size(), &error) != 0) ::_exit(Told(error) ? 0 : 1);
    ::_exit(inside());
  }
  const bool back = pn_sandbox_after_fork_parent(saved, &error) == 0;
  if (child < 0 || !back) return Told(error);
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return Told("its process was lost");
  // What ends by a signal says nothing by itself: the filter's answer to a forbidden call is one.
  if (WIFSIGNALED(status)) return Told("ended by signal " + std::to_string(WTERMSIG(status)));
  return WEXITSTATUS(status) == 0;
}

}  // namespace

std::string PlanIn(int descriptor) {
  std::string plan(kMaxPlanBytes, '\0');
  const ssize_t size = ::pread(descriptor, plan.data(), plan.size(), 0);
  plan.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return plan;
}

bool RunInChain(const std::string& task_plan, const std::string& candidate_plan, const std::function<int()>& last) {
  return RunBehind(task_plan, [&] { return RunBehind(candidate_plan, last) ? 0 : 1; });
}

}  // namespace passnet::gpu_probe
