// What is written together or not at all: events and the content they stand on. Hashing and compressing happen here,
// on the caller's thread (post it to a worker for large content), so that the writer thread only writes.
// Threads: thread-compatible; once handed to Store it must not change (hence shared_ptr<const Batch> there), which is
// also what lets a caller retry a batch that could not be written.
// Errors: kInvalidArgument (malformed event), kResourceExhausted (content above kMaxBlobBytes or kMaxParts).
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "trajectories/event.h"

namespace passnet::trajectories {

// One stored piece. Chosen: the frame limit of the lane protocol (64 MiB); no reply or report comes near it.
inline constexpr size_t kMaxBlobBytes = size_t{64} << 20;
// Longer payloads are stored as blobs, so that listing events reads few pages. Chosen: one SQLite page.
inline constexpr size_t kInlinePayloadBytes = 4096;
// Pieces of one request. Chosen: far above any conversation.
inline constexpr size_t kMaxParts = 65536;

struct PreparedBlob {
  Sha256Digest sha256;  // of the plain bytes
  uint64_t plain_bytes = 0;
  std::string zstd;
};

struct PreparedEvent {
  EventDraft draft;
  Sha256Digest payload_sha256;
};

// A whole made of blobs, in order: its bytes are the concatenation of theirs.
struct PreparedWhole {
  Sha256Digest sha256;
  uint64_t plain_bytes = 0;
  std::vector<Sha256Digest> parts;
};

class Batch;

// Digests of blobs that one store is known to hold: a conversation's messages are in each of its requests, and need be
// compressed and offered to the database once. Bounded: what was not asked for in a long time is forgotten, and stored
// (that is, found to be there) again.
// Threads: thread-safe.
class KnownBlobs {
 public:
  // Whether it is known; it then stays so for longer.
  bool Holds(const Sha256Digest& sha256);
  // Once the batch is committed, and not before.
  void Learn(const Batch& batch);

 private:
  struct Hash {
    size_t operator()(const Sha256Digest& sha256) const;
  };
  using Digests = std::unordered_set<Sha256Digest, Hash>;
  void Add(const Sha256Digest& sha256);

  std::mutex mutex_;
  Digests recent_;  // guarded by mutex_, as both are
  Digests older_;   // becomes nothing when recent_ is full, and recent_ becomes this
};

class Batch {
 public:
  Batch() = default;
  // `known`: of the store that the batch is for; borrowed while the batch is made.
  explicit Batch(KnownBlobs* known) : known_(known) {}

  // Stores `bytes` once. The digest goes into a ContentRef of an event of this batch: content that no event names is
  // refused by Store.
  Result<Sha256Digest> AddBlob(std::string_view bytes);

  // Stores the exact bytes of a chat request as envelope + one blob a message (see SplitRequest), so that a
  // conversation of n turns costs O(n). Bytes that are no such JSON are stored as one blob.
  Result<Sha256Digest> AddRequest(std::string_view bytes);

  // Checks the event at once; an error leaves the batch as it was.
  Status Add(EventDraft event);

  const std::vector<PreparedBlob>& blobs() const { return blobs_; }
  const std::vector<PreparedWhole>& wholes() const { return wholes_; }
  const std::vector<PreparedEvent>& events() const { return events_; }
  // Bytes it holds in memory, about: what Store's queue limit counts.
  size_t size_bytes() const { return size_bytes_; }

 private:
  std::vector<PreparedBlob> blobs_;
  std::vector<PreparedWhole> wholes_;
  std::vector<PreparedEvent> events_;
  std::set<Sha256Digest> blob_index_;  // of blobs_
  KnownBlobs* known_ = nullptr;
  size_t size_bytes_ = 0;
};

// Cuts a JSON object at the elements of its top-level "messages" array: head, one piece an element (with the comma in
// front of it), tail. The concatenation is always `json` exactly; one piece when there is no such array.
std::vector<std::string_view> SplitRequest(std::string_view json);

}  // namespace passnet::trajectories
