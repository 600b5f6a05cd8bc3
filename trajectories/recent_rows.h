// The newest rows that were acknowledged, as the writer remembers them: after a failed write or sync the file is opened
// anew and must still hold exactly these.
// Threads: thread-compatible. Errors: kDataCorrupt (the file holds other rows), those of Database.
#pragma once

#include <cstdint>
#include <deque>

#include "base/result.h"
#include "base/sha256.h"
#include "trajectories/database.h"

namespace passnet::trajectories {

struct RowHash {
  int64_t row_id = 0;  // 0: the journal is empty
  Sha256Digest hash{};
  bool operator==(const RowHash&) const = default;
};

// The last row of the log.
Result<RowHash> ReadLastRow(Database* database);

class RecentRows {
 public:
  // What lies in the file now is what was acknowledged.
  Status Learn(Database* database);
  // Every remembered row is there with its hash, and its fields still have that hash.
  Status Compare(Database* database) const;
  RowHash newest() const { return rows_.empty() ? RowHash{} : rows_.back(); }

 private:
  std::deque<RowHash> rows_;  // in order
};

}  // namespace passnet::trajectories
