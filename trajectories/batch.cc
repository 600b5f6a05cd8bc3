#include "trajectories/batch.h"

#include <cstring>
#include <utility>

#include "trajectories/blob_codec.h"

namespace passnet::trajectories {
namespace {

// Chosen: twenty messages of each of 1,000 conversations, and as many older ones; 4 MiB together.
constexpr size_t kKnownBlobs = 32768;

bool Holds(const std::vector<PreparedWhole>& wholes, const Sha256Digest& sha256) {
  for (const PreparedWhole& whole : wholes) {
    if (whole.sha256 == sha256) return true;
  }
  return false;
}

}  // namespace

// A digest's bytes are as good as random.
size_t KnownBlobs::Hash::operator()(const Sha256Digest& sha256) const {
  size_t hash = 0;
  std::memcpy(&hash, sha256.data(), sizeof hash);
  return hash;
}

bool KnownBlobs::Holds(const Sha256Digest& sha256) {
  std::lock_guard lock(mutex_);
  if (recent_.contains(sha256)) return true;
  if (!older_.contains(sha256)) return false;
  Add(sha256);
  return true;
}

void KnownBlobs::Learn(const Batch& batch) {
  std::lock_guard lock(mutex_);
  for (const PreparedBlob& blob : batch.blobs()) Add(blob.sha256);
}

void KnownBlobs::Add(const Sha256Digest& sha256) {
  if (recent_.size() >= kKnownBlobs) {
    older_ = std::move(recent_);
    recent_ = Digests();
  }
  recent_.insert(sha256);
}

Result<Sha256Digest> Batch::AddBlob(std::string_view bytes) {
  if (bytes.size() > kMaxBlobBytes) {
    return Error{ErrorCode::kResourceExhausted, "journal: content of " + std::to_string(bytes.size()) +
                                                    " bytes is above the limit of " + std::to_string(kMaxBlobBytes)};
  }
  PreparedBlob blob;
  blob.sha256 = Sha256Of(bytes);
  if (blob_index_.contains(blob.sha256) || (known_ != nullptr && known_->Holds(blob.sha256))) return blob.sha256;
  blob.plain_bytes = bytes.size();
  ASSIGN_OR_RETURN(blob.zstd, CompressBlob(bytes));
  blob_index_.insert(blob.sha256);
  size_bytes_ += blob.zstd.size();
  blobs_.push_back(std::move(blob));
  return blobs_.back().sha256;
}

Result<Sha256Digest> Batch::AddRequest(std::string_view bytes) {
  std::vector<std::string_view> pieces = SplitRequest(bytes);
  if (pieces.size() == 1) return AddBlob(bytes);
  PreparedWhole whole;
  whole.sha256 = Sha256Of(bytes);
  whole.plain_bytes = bytes.size();
  if (Holds(wholes_, whole.sha256)) return whole.sha256;
  for (std::string_view piece : pieces) {
    ASSIGN_OR_RETURN(Sha256Digest part, AddBlob(piece));
    whole.parts.push_back(part);
  }
  size_bytes_ += whole.parts.size() * sizeof(Sha256Digest);
  wholes_.push_back(std::move(whole));
  return wholes_.back().sha256;
}

Status Batch::Add(EventDraft event) {
  RETURN_IF_ERROR(Validate(event));
  PreparedEvent prepared{std::move(event), {}};
  if (prepared.draft.payload.size() > kInlinePayloadBytes) {
    ASSIGN_OR_RETURN(prepared.payload_sha256, AddBlob(prepared.draft.payload));
  } else {
    prepared.payload_sha256 = Sha256Of(prepared.draft.payload);
  }
  size_bytes_ += sizeof(PreparedEvent) + prepared.draft.payload.size();
  events_.push_back(std::move(prepared));
  return OkStatus();
}

}  // namespace passnet::trajectories
