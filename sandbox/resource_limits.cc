#include "sandbox/resource_limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace passnet::sandbox {
namespace {

uint64_t HardLimit(int resource) {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  return limit.rlim_max;
}

}  // namespace

void AppendLimit(PlanWriter& plan, int resource, uint64_t value) {
  plan.ResourceLimit(static_cast<uint32_t>(resource), std::min<uint64_t>(value, HardLimit(resource)));
}

void AppendNoCoreDump(PlanWriter& plan) { AppendLimit(plan, RLIMIT_CORE, 1); }

void AppendCpuLimit(PlanWriter& plan, std::chrono::milliseconds cpu) {
  const uint64_t seconds = static_cast<uint64_t>(std::chrono::ceil<std::chrono::seconds>(cpu).count());
  const uint64_t hard = HardLimit(RLIMIT_CPU);
  if (seconds < hard) {
    plan.ResourceLimitWithMargin(RLIMIT_CPU, std::max<uint64_t>(seconds, 1));
  } else {
    plan.ResourceLimit(RLIMIT_CPU, hard);
  }
}

}  // namespace passnet::sandbox
