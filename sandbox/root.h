// What a jail sees: an empty tmpfs root, read-only binds of host paths at the same paths, a few device nodes, a fresh
// /proc of its own process tree, sized private /tmp and /dev/shm. Everything that is not named is absent.
// Threads: immutable values. Source: mount_namespaces(7), mount_setattr(2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace passnet::sandbox {

struct RootSpec {
  // Absolute host paths (files or folders; symbolic links such as /bin -> usr/bin are recreated as links), visible at
  // the same place, read-only, also below folders that the jail's user could not enter on the host. A path that does
  // not exist is a set-up failure. Paths below /tmp stand in the private /tmp; /tmp itself is refused. A child's own
  // /tmp shows them where its plan names them (sandbox/plan.h).
  std::vector<std::string> read_only;
  // As read_only, but a missing path is left out (/lib32, /etc/ld.so.cache on other distributions).
  std::vector<std::string> read_only_if_present;
  std::vector<std::string> devices = {"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random"};
  uint64_t tmp_bytes = 64ull << 20;  // of /tmp
  uint64_t shm_bytes = 64ull << 20;  // of /dev/shm; 0: an empty read-only folder
  bool executable_tmp = false;       // true: programs and libraries made in /tmp may run (Inductor's)
};

// /usr, /lib*, /bin, the linker's cache and alternatives: what g++ and a system Python need.
RootSpec SystemRoot();

}  // namespace passnet::sandbox
