// Loosens a SyscallPolicy: execve: start programs. For jails that run compilers.
// Threads: an empty token, passed by value.
#pragma once

namespace passnet::sandbox::allow {

struct Exec {};

}  // namespace passnet::sandbox::allow
