// Files into and out of a jail's scratch folder, by descriptor and never by host path: what the jailed program left
// there (links, pipes, devices, foreign names) is looked at without being followed or waited for.
// Threads: thread-safe, blocking. Errors: kInvalidArgument (a name that is absolute, has "..", NUL or an empty part),
//   kResourceExhausted (the folder is full), kIo.
// Source: openat2(2): RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/run.h"

namespace passnet::sandbox {

Status PutFiles(int folder, const std::vector<InputFile>& files);

// One artefact a name, in order; a file that cannot be had says why in Artefact::problem.
std::vector<Artefact> CollectFiles(int folder, const std::vector<std::string>& names, uint64_t max_bytes_each);

}  // namespace passnet::sandbox
