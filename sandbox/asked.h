// What a plan asks for, in the terms of what the kernel tells of a process: both are compared before anything runs, and a
// difference refuses the jail. Of the layers, Landlock alone cannot be compared (see read_back.h).
// Threads: immutable values and pure functions.
// Errors: kPermissionDenied: a layer is not in force as it was asked for; the text names it and both values.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/read_back.h"

namespace passnet::sandbox {

struct Asked {
  bool own_namespaces = true;  // all six
  bool no_new_privs = false;
  int seccomp_filters = 0;     // with those that it had already
  std::optional<uint64_t> capabilities;
  std::optional<uid_t> uid;
  bool takes_user = false;                // SecondUser(): `uid` is for whoever compares to set
  std::optional<int> oom_score_adj;       // at least
  std::vector<int> cores;                 // empty: not asked for
  std::map<uint32_t, LimitPair> limits;   // by RLIMIT_*
};

// `plan` is one of ours (plan.h); `filters` are in force before it is applied.
Asked AskedBy(std::string_view plan, int filters);

// `who` opens the error: "sandbox of the candidate process: seccomp: …".
Status CheckInForce(const Asked& asked, const ReadBackReport& found, std::string_view who);

}  // namespace passnet::sandbox
