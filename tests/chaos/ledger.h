// What the scripted endpoint saw and did, in its own words: the witness that a daemon's journal is held against. It lies
// in the memory of the process that drives the daemon, so that no kill of the daemon touches it.
// Threads: an entry is a value; Ledger is thread-safe. Errors: none.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/sha256.h"

namespace passnet::chaos {

// US dollars per million tokens that campaigns are launched with: whole numbers, so that the bill is one in micro-dollars.
inline constexpr int64_t kPromptUsdPerMillion = 1;
inline constexpr int64_t kCompletionUsdPerMillion = 3;

struct Tokens {
  int64_t prompt = 0;
  int64_t completion = 0;
  int64_t microusd() const { return prompt * kPromptUsdPerMillion + completion * kCompletionUsdPerMillion; }
  bool operator==(const Tokens&) const = default;
};

// What the lane is to say of the candidate in a reply.
struct Grade {
  std::string verdict;  // by name
  double speedup = 1;
};

// One request that arrived whole, and what became of it.
struct LedgerEntry {
  int64_t number = 0;           // from 1; the answer's x-request-id is RequestId(number)
  Sha256Digest request{};       // of the body's bytes
  std::string kind;             // of the answer: the script's name for it
  std::string reply;            // the body that was to be sent, without its transfer coding
  bool handed_over = false;     // all of it was taken by the connection
  Tokens billed;                // by the endpoint's own count, whatever it told
  std::optional<Tokens> told;   // usage in the reply that can be believed
  std::optional<Grade> grade;   // of the candidate in the reply, where there is one
};

inline std::string RequestId(int64_t number) { return "chaos-" + std::to_string(number); }

class Ledger {
 public:
  // Before a byte is answered. Returns the entry's number.
  int64_t Received(const Sha256Digest& request) {
    std::lock_guard lock(mutex_);
    LedgerEntry entry;
    entry.number = static_cast<int64_t>(entries_.size()) + 1;
    entry.request = request;
    entries_.push_back(std::move(entry));
    return entries_.back().number;
  }
  // What it is going to answer; before the first byte leaves.
  void Answers(LedgerEntry entry) {
    std::lock_guard lock(mutex_);
    entries_.at(static_cast<size_t>(entry.number) - 1) = std::move(entry);
  }
  void HandedOver(int64_t number) {
    std::lock_guard lock(mutex_);
    entries_.at(static_cast<size_t>(number) - 1).handed_over = true;
  }
  // A request of which only a part came before its sender was gone: it was never answered, and nothing is billed.
  void BrokeOff() {
    std::lock_guard lock(mutex_);
    ++broken_off_;
  }

  std::vector<LedgerEntry> entries() const {
    std::lock_guard lock(mutex_);
    return entries_;
  }
  int64_t broken_off() const {
    std::lock_guard lock(mutex_);
    return broken_off_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<LedgerEntry> entries_;
  int64_t broken_off_ = 0;
};

}  // namespace passnet::chaos
