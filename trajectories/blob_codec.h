// One blob's stored form: a single zstd frame that says its plain size.
// Threads: thread-safe. Errors: kDataCorrupt (a damaged frame, or a size other than promised), kInternal.
// Source: RFC 8878.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace passnet::trajectories {

Result<std::string> CompressBlob(std::string_view plain);
// Never allocates more than `plain_bytes`, whatever the frame claims.
Result<std::string> DecompressBlob(std::string_view frame, size_t plain_bytes);

}  // namespace passnet::trajectories
