// Loosens a SyscallPolicy: unshare, setns, mount, umount, pivot_root and capset: for trusted parents that make jails for their children.
// Threads: an empty token, passed by value.
#pragma once

namespace passnet::sandbox::allow {

struct Namespaces {};

}  // namespace passnet::sandbox::allow
