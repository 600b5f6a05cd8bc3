// What must hold after everything that was done to a daemon, each claim as a count of what speaks against it. The ledgers
// of the endpoint and of the evaluators are the witnesses; the journal is what is judged.
//
// What is promised of a request that left when the daemon was killed (docs/llm.md, "One call"): its attempt was durable
// before the first byte went out. So no request can arrive without an attempt in the journal; while an attempt without a
// stored answer may have arrived or not, and the journal says so of it: it has no end and its call is lost, or it has an
// end and no header. These are in doubt, and settled at what they may have cost at most. An attempt that never got a
// connection was never sent. One whose kept-alive connection turned out closed was sent once more and says that too.
// Threads: pure functions but for what reads the journal, which blocks. Errors: the reader's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tests/chaos/journal_account.h"
#include "tests/chaos/lane_ledger.h"
#include "tests/chaos/ledger.h"
#include "trajectories/reader.h"

namespace passnet::chaos {

struct Claim {
  std::string name;                  // of the figure that counts what is against it
  std::string what;                  // for people
  int64_t against = 0;
  std::vector<std::string> examples = {};  // the first few

  void Against(std::string example);
};

// Requests and attempts, by what became of them.
struct Balance {
  int64_t requests = 0;      // at the endpoint
  int64_t answered = 0;      // of them: the answer's header is stored with one attempt, and with one only
  int64_t unanswered = 0;    // the others
  int64_t attempts = 0;      // in the journal: answered, and
  int64_t never_sent = 0;    // no connection was made
  int64_t in_doubt = 0;      // no header was stored
  int64_t asked_on_fresh = 0;  // attempts that may stand for two requests
  int64_t lost_calls = 0;

  int64_t told_microusd = 0;      // by the endpoint's count, of answers whose usage was believed
  int64_t believed_microusd = 0;  // by the journal's, of the same
  int64_t reserved_microusd = 0;  // by the journal's: settled at the most that they may have cost
  int64_t billed_for_reserved_microusd = 0;  // by the endpoint's, of the same; not above it
};

struct Evidence {
  std::vector<LedgerEntry> requests;
  JournalAccount journal;
  std::vector<LaneLine> lane;
  std::vector<int64_t> lives;  // the journal's newest row when each life of the daemon began
};

Balance BalanceOf(const Evidence& evidence);

// Every claim about the evidence alone.
std::vector<Claim> Judge(const Evidence& evidence);
// The stored replies are what the endpoint sent.
Result<Claim> JudgeReplies(const Evidence& evidence, trajectories::Reader& reader);
// Every trajectory's decisions made again from what is stored (`passnet replay --agent`).
Result<Claim> JudgeReplay(trajectories::Reader& reader);
// `passnet verify --head-log`.
Result<Claim> JudgeVerify(const std::string& journal, const std::string& head_log);

}  // namespace passnet::chaos
