// The bytes of a plan: a header and steps of {kind, flags, payload size} with their payload, each padded to 8 bytes.
// Applied in the order in which they stand. Never stored: maker and user are of one build, on one kernel.
// Threads: none. Owns: nothing; libc only, shared by sandbox/plan_writer.cc and sandbox/apply.
#pragma once

#include <stdint.h>

namespace passnet::sandbox {

inline constexpr uint32_t kPlanMagic = 0x4c504e50;  // "PNPL"
inline constexpr uint32_t kPlanVersion = 1;
inline constexpr int kControlFd = 250;  // the set-up channel's number in a child that we launch; chosen: above all
                                        // numbers that callers may ask for, below the usual soft limit of 1024

struct PlanHeader {
  uint32_t magic;
  uint32_t version;
  uint32_t size;   // of the whole plan
  uint32_t steps;
};

// Payloads: u32 and u64 as they stand, strings as u32 length + bytes + NUL, lists as u32 count + items.
enum class Step : uint16_t {
  kSetsid = 1,
  kParentDeathSignal,  // u32 signal, u32 descriptor + 1 of a pipe or socket whose other end the parent holds (0: none)
  kUnshare,            // u32 flags
  kMapIds,             // str proc, u32 inner uid, u32 outer uid, u32 inner gid, u32 outer gid
  kSetIds,             // u32 uid, u32 gid: real, effective and saved; capabilities are kept. flag kSetIdsGroupsDenied: the
                       // namespace lets nobody change its other groups, of which there are none
  kMount,              // u64 flags, str source, str target, str type, str data
  kBind,               // u64 mount attributes to set, str source, str target; flag kBindOptional
  kMountAttributes,    // u64 attributes to set, str path: this mount alone
  kMakeFolder,         // u32 mode, str path: with parents, each 0755
  kSymlink,            // str target, str path: with parents
  kPivot,              // str new root; the old one is detached. flag kPivotKeepOld: str folder that receives it
  kChangeFolder,       // str path
  kResourceLimit,      // u32 resource, u64 value (soft and hard); kLimitSoftMargin: hard is value + 1
  kAffinity,           // list of u32 cores
  kDescriptors,        // list of {u32 source, u32 target}, list of u32 kept: everything else is closed
  kDumpable,           // u32 0 or 1
  kNoNewPrivileges,
  kCapabilities,       // u64 kept mask: permitted, effective, bounding; ambient and inheritable are emptied
  kLandlock,           // u64 handled fs, u64 handled net, u64 scoped, str forbidden path, list of {u64 access, str path}
  kSeccomp,            // str BPF (struct sock_filter[]); flag kSeccompListener: returns a listener, see launch.h
  kHostname,           // str
  kFileMask,           // u32 umask
  kResetSignals,       // default dispositions, nothing blocked
  kOomScore,           // u32: oom_score_adj, or what it has already where that is more
  kUnshareMapped,      // u32 flags with CLONE_NEWUSER, str proc, list of {u32 inner, u32 outer}: users and groups alike, mapped
                       // by a helper that stays outside and has the right to them
};

inline constexpr uint16_t kSetIdsGroupsDenied = 1;
inline constexpr uint16_t kBindOptional = 1;
inline constexpr uint16_t kPivotKeepOld = 1;
inline constexpr uint16_t kLimitSoftMargin = 1;
inline constexpr uint16_t kSeccompListener = 1;

struct StepHeader {
  uint16_t kind;   // Step
  uint16_t flags;
  uint32_t size;   // of the payload, without padding
};

}  // namespace passnet::sandbox
