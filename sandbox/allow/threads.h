// Loosens a SyscallPolicy: clone of threads of the same process. Without it a process can never use a second core.
// Threads: an empty token, passed by value.
#pragma once

namespace passnet::sandbox::allow {

struct Threads {};

}  // namespace passnet::sandbox::allow
