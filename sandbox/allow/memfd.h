// Loosens a SyscallPolicy: memfd_create. Together with Exec it lets a process run code that no mount shows.
// Threads: an empty token, passed by value.
#pragma once

namespace passnet::sandbox::allow {

struct Memfd {};

}  // namespace passnet::sandbox::allow
