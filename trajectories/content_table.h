// The tables blobs and wholes: content by the SHA-256 of its plain bytes.
// Threads: as Database. Errors: kNotFound, kDataCorrupt (bytes that do not have their digest), those of Database.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "trajectories/batch.h"
#include "trajectories/database.h"

namespace passnet::trajectories {

// Writes what is not there yet.
Status PutBlob(Database* database, const PreparedBlob& blob);
Status PutWhole(Database* database, const PreparedWhole& whole);

Result<bool> HasContent(Database* database, const Sha256Digest& sha256);

// Plain bytes of a blob or a whole, checked against the digest.
Result<std::string> ReadContent(Database* database, const Sha256Digest& sha256);
Result<std::string> ReadBlob(Database* database, const Sha256Digest& sha256);

struct WholeRow {
  uint64_t plain_bytes = 0;
  std::vector<Sha256Digest> parts;
};
// kNotFound when there is no such whole.
Result<WholeRow> ReadWholeRow(Database* database, const Sha256Digest& sha256);
// The concatenation of the parts, checked against the digest of the whole.
Result<std::string> JoinWhole(Database* database, const Sha256Digest& sha256, const WholeRow& whole);

}  // namespace passnet::trajectories
