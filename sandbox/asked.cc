#include "sandbox/asked.h"

#include <string.h>

#include "sandbox/apply/plan_format.h"
#include "sandbox/apply/reader.h"

namespace passnet::sandbox {
namespace {

constexpr size_t kNamespacesOfAJail = 6;  // user, mount, pid, net, ipc, uts

void Note(const StepHeader& step, Reader payload, Asked& asked) {
  switch (static_cast<Step>(step.kind)) {
    case Step::kNoNewPrivileges:
      asked.no_new_privs = true;
      break;
    case Step::kSeccomp:
      ++asked.seccomp_filters;
      break;
    case Step::kCapabilities:
      asked.capabilities = payload.U64();
      break;
    case Step::kSetIds:
      asked.takes_user = true;
      break;
    case Step::kOomScore:
      asked.oom_score_adj = static_cast<int>(payload.U32());
      break;
    case Step::kAffinity:
      asked.cores.resize(payload.U32());
      for (int& core : asked.cores) core = static_cast<int>(payload.U32());
      break;
    case Step::kResourceLimit: {
      const uint32_t resource = payload.U32();
      const uint64_t value = payload.U64();
      asked.limits[resource] = {value, step.flags & kLimitSoftMargin ? value + 1 : value};
      break;
    }
    default:
      break;
  }
}

std::string Text(const std::vector<int>& cores) {
  std::string text;
  for (int core : cores) text += (text.empty() ? "" : ",") + std::to_string(core);
  return text;
}

std::string Text(uint64_t value) { return value == kNoLimit ? "unlimited" : std::to_string(value); }

Error Differs(std::string_view who, const std::string& layer, const std::string& asked, const std::string& found) {
  return {ErrorCode::kPermissionDenied, "sandbox of " + std::string(who) + ": " + layer + ": asked for " + asked +
                                            ", in force is " + found + "; run passnet doctor"};
}

Status CheckLimits(const Asked& asked, const ReadBackReport& found, std::string_view who) {
  for (const auto& [resource, limit] : asked.limits) {
    const std::string layer = std::string("limit ") + LimitName(resource);
    const auto there = found.limits.find(resource);
    if (there == found.limits.end()) return Differs(who, layer, Text(limit.soft), "unknown");
    if (there->second.soft != limit.soft) return Differs(who, layer, Text(limit.soft), Text(there->second.soft));
    if (there->second.hard != limit.hard) return Differs(who, layer + " (hard)", Text(limit.hard), Text(there->second.hard));
  }
  return OkStatus();
}

}  // namespace

Asked AskedBy(std::string_view plan, int filters) {
  Asked asked;
  asked.seccomp_filters = filters;
  Reader steps(plan.data(), plan.size());
  steps.Take(sizeof(PlanHeader));
  while (steps.ok() && steps.left() > 0) {
    StepHeader step{};
    const void* at = steps.Take(sizeof step);
    if (!steps.ok()) break;
    memcpy(&step, at, sizeof step);
    const void* payload = steps.Take((step.size + 7ull) & ~7ull);
    if (steps.ok()) Note(step, Reader(payload, step.size), asked);
  }
  return asked;
}

Status CheckInForce(const Asked& asked, const ReadBackReport& found, std::string_view who) {
  if (asked.own_namespaces && found.own_namespaces.size() != kNamespacesOfAJail) {
    std::string have;
    for (const std::string& name : found.own_namespaces) have += (have.empty() ? "" : ",") + name;
    return Differs(who, "namespaces", "user,mount,pid,net,ipc,uts", have.empty() ? "none" : have);
  }
  if (asked.no_new_privs && !found.no_new_privs) return Differs(who, "no new privileges", "1", "0");
  if (found.seccomp_filters != asked.seccomp_filters) {
    return Differs(who, "seccomp", std::to_string(asked.seccomp_filters) + " filters",
                   std::to_string(found.seccomp_filters));
  }
  if (asked.capabilities && found.effective_capabilities != *asked.capabilities) {
    return Differs(who, "effective capabilities", Text(*asked.capabilities), Text(found.effective_capabilities));
  }
  if (asked.capabilities && found.bounding_capabilities != *asked.capabilities) {
    return Differs(who, "bounding capabilities", Text(*asked.capabilities), Text(found.bounding_capabilities));
  }
  if (asked.uid && found.uid != *asked.uid) {
    return Differs(who, "user", std::to_string(*asked.uid), std::to_string(found.uid));
  }
  if (asked.uid && !found.one_user) return Differs(who, "user", "one for all purposes", "several");
  if (asked.oom_score_adj && found.oom_score_adj < *asked.oom_score_adj) {
    return Differs(who, "oom_score_adj", std::to_string(*asked.oom_score_adj), std::to_string(found.oom_score_adj));
  }
  if (!asked.cores.empty() && found.cores != asked.cores) return Differs(who, "cores", Text(asked.cores), Text(found.cores));
  return CheckLimits(asked, found, who);
}

}  // namespace passnet::sandbox
