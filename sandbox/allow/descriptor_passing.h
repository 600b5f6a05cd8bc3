// Loosens a SyscallPolicy: sendmsg and recvmsg: descriptors travel over sockets inherited from the parent; no socket can be opened.
// Threads: an empty token, passed by value.
#pragma once

namespace passnet::sandbox::allow {

struct DescriptorPassing {};

}  // namespace passnet::sandbox::allow
