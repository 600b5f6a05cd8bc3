// What a journal says of the calls, the evaluations and the bill of all its campaigns: read event by event, without the
// product's own sums, so that those can be compared with it.
// Threads: blocking. Borrows: the reader. Errors: the reader's, kDataCorrupt (a payload that does not parse).
// Source: docs/formats.md, "Kinds and what stands in their fields".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "tests/chaos/ledger.h"
#include "trajectories/reader.h"

namespace passnet::chaos {

// One llm_attempt and what followed.
struct AttemptRecord {
  std::string call;
  int64_t number = 0;        // within the call
  Sha256Digest request{};    // of the call's intent
  bool received = false;     // its end is stored; if not, the daemon ended first
  bool sent = false;         // once received: something of it may have reached the endpoint
  bool asked_on_fresh = false;
  std::string request_id;    // that the answer's header told; empty: no header came
  std::string end;           // of the exchange
  std::optional<Sha256Digest> reply;
  int64_t settled = 0;       // events that say what it came to: exactly one belongs to it
  std::string outcome;       // class; "lost" where llm_lost ended it
  std::string usage_source;  // "provider", "reserved", "none"
  Tokens tokens;
  int64_t microusd = 0;
};

struct CallRecord {
  std::string trajectory;
  int64_t round = 0;
  int64_t ends = 0;      // llm_outcome and llm_lost
  std::string accepted;  // request id of the reply that was accepted
};

struct ReportRecord {
  int64_t row_id = 0;
  std::string trajectory;
  std::string evaluation;
  std::string purpose;
  int64_t round = 0;
  Grade grade;  // its score is in `speedup`
};

struct JournalAccount {
  std::vector<AttemptRecord> attempts;
  std::map<std::string, CallRecord> calls;  // by id
  std::vector<ReportRecord> reports;
  std::map<std::string, int64_t> finished;  // trajectories by outcome
  int64_t trajectories = 0;
  int64_t microusd = 0;                     // of all events that tell of a cost
  int64_t rows = 0;
};

Result<JournalAccount> ReadAccount(trajectories::Reader& reader);

}  // namespace passnet::chaos
