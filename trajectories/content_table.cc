#include "trajectories/content_table.h"

#include <algorithm>

#include "trajectories/blob_codec.h"

namespace passnet::trajectories {
namespace {

// A request's size as the file claims it must not make us allocate without bound.
constexpr uint64_t kMaxWholeBytes = uint64_t{1} << 30;

Error Wrong(std::string_view what, const Sha256Digest& sha256, std::string_view problem) {
  return DataCorrupt("journal: " + std::string(what) + " " + ToHex(sha256) + " " + std::string(problem));
}

}  // namespace

Status PutBlob(Database* database, const PreparedBlob& blob) {
  ASSIGN_OR_RETURN(Statement insert,
                   database->Prepare("INSERT INTO blobs (sha256, plain_size_bytes, zstd) VALUES (?1, ?2, ?3) "
                                     "ON CONFLICT (sha256) DO NOTHING"));
  insert.Bind(1, blob.sha256).Bind(2, static_cast<int64_t>(blob.plain_bytes)).BindBytes(3, blob.zstd);
  return insert.Run();
}

Status PutWhole(Database* database, const PreparedWhole& whole) {
  std::string parts;
  for (const Sha256Digest& part : whole.parts) parts.append(reinterpret_cast<const char*>(part.data()), part.size());
  ASSIGN_OR_RETURN(Statement insert,
                   database->Prepare("INSERT INTO wholes (sha256, plain_size_bytes, parts) VALUES (?1, ?2, ?3) "
                                     "ON CONFLICT (sha256) DO NOTHING"));
  insert.Bind(1, whole.sha256).Bind(2, static_cast<int64_t>(whole.plain_bytes)).BindBytes(3, parts);
  return insert.Run();
}

Result<bool> HasContent(Database* database, const Sha256Digest& sha256) {
  ASSIGN_OR_RETURN(Statement select, database->Prepare("SELECT 1 FROM blobs WHERE sha256 = ?1 "
                                                       "UNION ALL SELECT 1 FROM wholes WHERE sha256 = ?1"));
  select.Bind(1, sha256);
  return select.Step();
}

Result<std::string> ReadBlob(Database* database, const Sha256Digest& sha256) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare("SELECT plain_size_bytes, zstd FROM blobs WHERE sha256 = ?1"));
  ASSIGN_OR_RETURN(bool found, select.Bind(1, sha256).Step());
  if (!found) return NotFound("journal: no blob " + ToHex(sha256));
  int64_t size = select.Int64(0);
  if (size < 0 || size > static_cast<int64_t>(kMaxBlobBytes)) return Wrong("blob", sha256, "has an impossible size");
  auto plain = DecompressBlob(select.Text(1), static_cast<size_t>(size));
  if (!plain) return Wrong("blob", sha256, plain.error().context);
  if (Sha256Of(plain.value()) != sha256) return Wrong("blob", sha256, "holds other bytes than its digest says");
  return plain;
}

Result<WholeRow> ReadWholeRow(Database* database, const Sha256Digest& sha256) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare("SELECT plain_size_bytes, parts FROM wholes WHERE sha256 = ?1"));
  ASSIGN_OR_RETURN(bool found, select.Bind(1, sha256).Step());
  if (!found) return NotFound("journal: no content " + ToHex(sha256));
  WholeRow whole;
  whole.plain_bytes = static_cast<uint64_t>(select.Int64(0));
  std::string parts = select.Text(1);
  if (parts.size() % sizeof(Sha256Digest) != 0) return Wrong("request", sha256, "has a damaged list of parts");
  whole.parts.resize(parts.size() / sizeof(Sha256Digest));
  for (size_t i = 0; i < whole.parts.size(); ++i) {
    std::copy_n(parts.begin() + static_cast<std::ptrdiff_t>(i * sizeof(Sha256Digest)), sizeof(Sha256Digest),
                whole.parts[i].begin());
  }
  return whole;
}

Result<std::string> JoinWhole(Database* database, const Sha256Digest& sha256, const WholeRow& whole) {
  if (whole.plain_bytes > kMaxWholeBytes) return Wrong("request", sha256, "has an impossible size");
  std::string bytes;
  for (const Sha256Digest& part : whole.parts) {
    ASSIGN_OR_RETURN(std::string piece, ReadBlob(database, part));
    if (bytes.size() + piece.size() > whole.plain_bytes) break;
    bytes += piece;
  }
  if (Sha256Of(bytes) != sha256) return Wrong("request", sha256, "does not come out of its parts");
  return bytes;
}

Result<std::string> ReadContent(Database* database, const Sha256Digest& sha256) {
  auto whole = ReadWholeRow(database, sha256);
  if (whole) return JoinWhole(database, sha256, whole.value());
  if (whole.error().code != ErrorCode::kNotFound) return whole.error();
  return ReadBlob(database, sha256);
}

}  // namespace passnet::trajectories
