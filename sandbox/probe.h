// What this host can do for a jail, found by doing it: each capability is tried to its end (a namespace that can be
// made but not mounted in is no namespace), in a throw-away child.
// Threads: blocking (about 50 ms), thread-safe. Used by `passnet doctor`, by reports and by tests that need namespaces.
#pragma once

#include <string>
#include <vector>

namespace passnet::sandbox {

struct Capability {
  std::string name;  // "user and mount namespaces", "pid namespace", "Landlock", …
  bool ok = false;
  bool required = true;  // false: the sandbox works without it, in a weaker tier
  std::string why;       // what was found: "ABI 7", or step and errno of the failure
  std::string fix;       // what an operator does about it; empty when ok
};

struct ProbeReport {
  std::vector<Capability> capabilities;
  std::string tier;  // "cgroup-v2", "cgroup-v1", "rlimits"

  bool Ok() const;              // every required one is there
  std::string Missing() const;  // one line of what is not, with its fix; empty when Ok
};

ProbeReport Probe();

}  // namespace passnet::sandbox
