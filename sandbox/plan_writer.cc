#include "sandbox/plan_writer.h"

#include <linux/capability.h>

namespace passnet::sandbox {

uint64_t JailMakerCapabilities(bool second_user) {
  constexpr uint64_t kMaker = 1ull << CAP_SYS_ADMIN | 1ull << CAP_SETPCAP, kUsers = 1ull << CAP_SETUID | 1ull << CAP_SETGID;
  return second_user ? kMaker | kUsers : kMaker;
}

class PlanWriter::Payload {
 public:
  Payload& U32(uint32_t value) { return Raw(&value, sizeof value); }
  Payload& U64(uint64_t value) { return Raw(&value, sizeof value); }
  Payload& String(std::string_view text) {
    U32(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
    bytes_.push_back('\0');
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Payload& Raw(const void* at, size_t size) {
    bytes_.append(static_cast<const char*>(at), size);
    return *this;
  }
  std::string bytes_;
};

PlanWriter& PlanWriter::Add(Step kind, uint16_t flags, const Payload& payload) {
  const StepHeader header{static_cast<uint16_t>(kind), flags, static_cast<uint32_t>(payload.bytes().size())};
  steps_.append(reinterpret_cast<const char*>(&header), sizeof header);
  steps_.append(payload.bytes());
  steps_.append((8 - payload.bytes().size() % 8) % 8, '\0');
  ++count_;
  return *this;
}

std::string PlanWriter::Finish() const {
  const PlanHeader header{kPlanMagic, kPlanVersion, static_cast<uint32_t>(sizeof(PlanHeader) + steps_.size()), count_};
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + steps_;
}

PlanWriter& PlanWriter::Setsid() { return Add(Step::kSetsid, 0, Payload()); }

PlanWriter& PlanWriter::ParentDeathSignal(int signal, int channel) {
  return Add(Step::kParentDeathSignal, 0,
             Payload().U32(static_cast<uint32_t>(signal)).U32(static_cast<uint32_t>(channel < 0 ? 0 : channel + 1)));
}

PlanWriter& PlanWriter::Unshare(uint32_t flags) { return Add(Step::kUnshare, 0, Payload().U32(flags)); }

PlanWriter& PlanWriter::MapIds(std::string_view proc, uint32_t inner_uid, uint32_t outer_uid, uint32_t inner_gid,
                               uint32_t outer_gid) {
  return Add(Step::kMapIds, 0, Payload().String(proc).U32(inner_uid).U32(outer_uid).U32(inner_gid).U32(outer_gid));
}

PlanWriter& PlanWriter::SetIds(uint32_t id, uint16_t flags) { return Add(Step::kSetIds, flags, Payload().U32(id).U32(id)); }

PlanWriter& PlanWriter::UnshareMapped(uint32_t flags, std::string_view proc,
                                      const std::vector<std::pair<uint32_t, uint32_t>>& ids) {
  Payload payload;
  payload.U32(flags).String(proc).U32(static_cast<uint32_t>(ids.size()));
  for (const auto& [inner, outer] : ids) payload.U32(inner).U32(outer);
  return Add(Step::kUnshareMapped, 0, payload);
}

PlanWriter& PlanWriter::Mount(uint64_t flags, std::string_view source, std::string_view target, std::string_view type,
                              std::string_view data) {
  return Add(Step::kMount, 0, Payload().U64(flags).String(source).String(target).String(type).String(data));
}

PlanWriter& PlanWriter::Bind(uint64_t attributes, std::string_view source, std::string_view target, bool optional) {
  return Add(Step::kBind, optional ? kBindOptional : 0, Payload().U64(attributes).String(source).String(target));
}

PlanWriter& PlanWriter::MountAttributes(uint64_t attributes, std::string_view path) {
  return Add(Step::kMountAttributes, 0, Payload().U64(attributes).String(path));
}

PlanWriter& PlanWriter::MakeFolder(uint32_t mode, std::string_view path) {
  return Add(Step::kMakeFolder, 0, Payload().U32(mode).String(path));
}

PlanWriter& PlanWriter::Symlink(std::string_view target, std::string_view path) {
  return Add(Step::kSymlink, 0, Payload().String(target).String(path));
}

PlanWriter& PlanWriter::Pivot(std::string_view new_root) {
  return Add(Step::kPivot, 0, Payload().String(new_root));
}

PlanWriter& PlanWriter::PivotKeepingOld(std::string_view new_root, std::string_view old_root) {
  return Add(Step::kPivot, kPivotKeepOld, Payload().String(new_root).String(old_root));
}

PlanWriter& PlanWriter::ChangeFolder(std::string_view path) {
  return Add(Step::kChangeFolder, 0, Payload().String(path));
}

PlanWriter& PlanWriter::ResourceLimit(uint32_t resource, uint64_t value) {
  return Add(Step::kResourceLimit, 0, Payload().U32(resource).U64(value));
}

PlanWriter& PlanWriter::ResourceLimitWithMargin(uint32_t resource, uint64_t value) {
  return Add(Step::kResourceLimit, kLimitSoftMargin, Payload().U32(resource).U64(value));
}

PlanWriter& PlanWriter::Affinity(const std::vector<int>& cores) {
  Payload payload;
  payload.U32(static_cast<uint32_t>(cores.size()));
  for (int core : cores) payload.U32(static_cast<uint32_t>(core));
  return Add(Step::kAffinity, 0, payload);
}

PlanWriter& PlanWriter::Descriptors(const std::vector<std::pair<int, int>>& source_to_target,
                                    const std::vector<int>& kept) {
  Payload payload;
  payload.U32(static_cast<uint32_t>(source_to_target.size()));
  for (const auto& [source, target] : source_to_target) {
    payload.U32(static_cast<uint32_t>(source)).U32(static_cast<uint32_t>(target));
  }
  payload.U32(static_cast<uint32_t>(kept.size()));
  for (int fd : kept) payload.U32(static_cast<uint32_t>(fd));
  return Add(Step::kDescriptors, 0, payload);
}

PlanWriter& PlanWriter::Dumpable(bool value) { return Add(Step::kDumpable, 0, Payload().U32(value ? 1 : 0)); }

PlanWriter& PlanWriter::NoNewPrivileges() { return Add(Step::kNoNewPrivileges, 0, Payload()); }

PlanWriter& PlanWriter::Capabilities(uint64_t kept) { return Add(Step::kCapabilities, 0, Payload().U64(kept)); }

PlanWriter& PlanWriter::Landlock(uint64_t handled_fs, uint64_t handled_net, uint64_t scoped,
                                 std::string_view forbidden, const std::vector<LandlockRule>& rules) {
  Payload payload;
  payload.U64(handled_fs).U64(handled_net).U64(scoped).String(forbidden).U32(static_cast<uint32_t>(rules.size()));
  for (const LandlockRule& rule : rules) payload.U64(rule.access & handled_fs).String(rule.path);
  return Add(Step::kLandlock, 0, payload);
}

PlanWriter& PlanWriter::Seccomp(std::string_view filter, bool listener) {
  return Add(Step::kSeccomp, listener ? kSeccompListener : 0, Payload().String(filter));
}

PlanWriter& PlanWriter::Hostname(std::string_view name) { return Add(Step::kHostname, 0, Payload().String(name)); }

PlanWriter& PlanWriter::FileMask(uint32_t mask) { return Add(Step::kFileMask, 0, Payload().U32(mask)); }

PlanWriter& PlanWriter::OomScore(uint32_t value) { return Add(Step::kOomScore, 0, Payload().U32(value)); }

PlanWriter& PlanWriter::ResetSignals() { return Add(Step::kResetSignals, 0, Payload()); }

}  // namespace passnet::sandbox
