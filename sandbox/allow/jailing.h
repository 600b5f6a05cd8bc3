// Loosens a SyscallPolicy: seccomp, Landlock, prctl settings and set*id: to tighten oneself and one's children further.
// Threads: an empty token, passed by value.
#pragma once

namespace passnet::sandbox::allow {

struct Jailing {};

}  // namespace passnet::sandbox::allow
