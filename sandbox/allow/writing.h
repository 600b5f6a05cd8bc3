// Loosens a SyscallPolicy: Making, renaming, linking and removing files, where mounts and Landlock let it.
// Threads: an empty token, passed by value.
#pragma once

namespace passnet::sandbox::allow {

struct Writing {};

}  // namespace passnet::sandbox::allow
