// Loosens a SyscallPolicy: sendmsg and socketpair: descriptors travel out over inherited sockets; no socket can be opened.
// Threads: an empty token, passed by value.
#pragma once

namespace passnet::sandbox::allow {

struct DescriptorPassing {};

}  // namespace passnet::sandbox::allow
