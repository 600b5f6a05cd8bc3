// Loosens a SyscallPolicy: sched_setaffinity and scheduler priorities: for trusted parents that pin their children before jailing them.
// Threads: an empty token, passed by value.
#pragma once

namespace passnet::sandbox::allow {

struct Affinity {};

}  // namespace passnet::sandbox::allow
