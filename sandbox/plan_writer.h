// Writes the steps of a plan in the order of the calls. One function a step; what each does is in apply/plan_format.h.
// Threads: thread-compatible. Errors: none; a wrong value shows when the plan is applied, which fails closed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/apply/plan_format.h"

namespace passnet::sandbox {

inline constexpr uint32_t kSecondUserInside = 1;  // SecondUser(), in a jail's user namespace

// What a process that makes jails keeps, of its own user namespace alone: mounting and namespaces, shrinking the bounding set;
// with a second user taking that one.
uint64_t JailMakerCapabilities(bool second_user);

struct LandlockRule {
  uint64_t access;
  std::string path;
};

class PlanWriter {
 public:
  PlanWriter& Setsid();
  // `channel` < 0: none.
  PlanWriter& ParentDeathSignal(int signal, int channel);
  PlanWriter& Unshare(uint32_t flags);
  PlanWriter& MapIds(std::string_view proc, uint32_t inner_uid, uint32_t outer_uid, uint32_t inner_gid,
                     uint32_t outer_gid);
  // One id for users and groups. `flags`: kSetIdsGroupsDenied.
  PlanWriter& SetIds(uint32_t id, uint16_t flags = 0);
  // Inner and outer ids.
  PlanWriter& UnshareMapped(uint32_t flags, std::string_view proc, const std::vector<std::pair<uint32_t, uint32_t>>& ids);
  PlanWriter& Mount(uint64_t flags, std::string_view source, std::string_view target, std::string_view type,
                    std::string_view data);
  PlanWriter& Bind(uint64_t attributes, std::string_view source, std::string_view target, bool optional);
  PlanWriter& MountAttributes(uint64_t attributes, std::string_view path);
  PlanWriter& MakeFolder(uint32_t mode, std::string_view path);
  PlanWriter& Symlink(std::string_view target, std::string_view path);
  PlanWriter& Pivot(std::string_view new_root);
  PlanWriter& PivotKeepingOld(std::string_view new_root, std::string_view old_root);
  PlanWriter& ChangeFolder(std::string_view path);
  PlanWriter& ResourceLimit(uint32_t resource, uint64_t value);
  // The hard limit is one higher, so that the soft one's signal comes first (RLIMIT_CPU).
  PlanWriter& ResourceLimitWithMargin(uint32_t resource, uint64_t value);
  PlanWriter& Affinity(const std::vector<int>& cores);
  PlanWriter& Descriptors(const std::vector<std::pair<int, int>>& source_to_target, const std::vector<int>& kept);
  PlanWriter& Dumpable(bool value);
  PlanWriter& NoNewPrivileges();
  PlanWriter& Capabilities(uint64_t kept);
  PlanWriter& Landlock(uint64_t handled_fs, uint64_t handled_net, uint64_t scoped, std::string_view forbidden,
                       const std::vector<LandlockRule>& rules);
  PlanWriter& Seccomp(std::string_view filter, bool listener);
  PlanWriter& Hostname(std::string_view name);
  PlanWriter& FileMask(uint32_t mask);
  PlanWriter& ResetSignals();
  PlanWriter& OomScore(uint32_t value);

  std::string Finish() const;

 private:
  class Payload;
  PlanWriter& Add(Step kind, uint16_t flags, const Payload& payload);

  std::string steps_;
  uint32_t count_ = 0;
};

}  // namespace passnet::sandbox
