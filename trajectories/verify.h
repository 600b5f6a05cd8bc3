// Is the journal what was written? Recomputes every hash, chain, blob and cached table, compares tables, indexes and
// triggers with those of its version, and names the first thing that was changed, removed, reordered or added. It cannot see the loss of a chain's tail (nothing follows it) unless a head
// that was kept elsewhere is given; nor a forger who rewrote a whole chain, for the same reason.
// Threads: thread-safe, blocking. Works beside a running daemon (one read transaction).
// Errors: kNotFound, kInvalidArgument (no such campaign, malformed head), kIo. What verification found is no Error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"

namespace passnet::trajectories {

// "<chain id>:<seq>:<64 hex digits>", printed by verify and to be kept elsewhere. The chain id is a campaign's or a
// trajectory's id.
struct Head {
  std::string chain_id;
  int64_t seq = 0;
  Sha256Digest hash{};
};
std::string ToString(const Head& head);
Result<Head> ParseHead(std::string_view text);
// A file that head_log wrote (head_log.h), each line a head. A line that was torn when it was written, the last one or one
// that the writer has marked, says nothing and is named; any other that is no head is an error.
struct HeadLogText {
  std::vector<Head> heads;
  std::vector<std::string> torn;  // "FILE:LINE"
};
Result<HeadLogText> ReadHeadLog(const std::string& path);

struct Finding {
  enum class What { kChanged, kRemoved, kReordered, kAdded, kTailLost };
  What what = What::kChanged;
  std::string where;  // "event row 17 (trajectory t-…, seq 4, llm_outcome)", "content 3af0…", "table …, row …"
  std::string detail;
  std::optional<int64_t> row_id;  // of the event, where one is meant
};
std::string_view FindingWhatName(Finding::What what);

struct VerifyOptions {
  std::string path;
  std::string campaign_id;  // empty: everything
  std::vector<Head> heads;  // kept elsewhere: each must still be in its chain
};

struct VerifyReport {
  std::optional<Finding> first;  // empty: intact
  int64_t events = 0;
  int64_t blobs = 0;
  int64_t requests = 0;
  int64_t campaigns = 0;
  int64_t trajectories = 0;
  std::vector<Head> heads;  // of every chain that was checked: campaigns first
  // Content that no event names. The store never writes any, so somebody else did; but nothing reads it either.
  int64_t orphans = 0;
  std::vector<std::string> orphan_examples;  // digests of the first few
};

Result<VerifyReport> Verify(const VerifyOptions& options);

}  // namespace passnet::trajectories
