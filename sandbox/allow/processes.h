// Loosens a SyscallPolicy: fork, vfork and clone of processes, pipes between them and waiting for them.
// Threads: an empty token, passed by value.
#pragma once

namespace passnet::sandbox::allow {

struct Processes {};

}  // namespace passnet::sandbox::allow
