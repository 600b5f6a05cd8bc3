// Pairs of answers to one and the same prompt, of which one was measured clearly worse. Which prompts are the same is told
// by the pieces that requests are stored in (Batch::AddRequest), so that no conversation is read that gives no pair.
// Threads: thread-compatible: as Reader, which is borrowed.
// Errors: kDataCorrupt (a call without its request, or of a dialect of a later build), those of Reader.
// Source: docs/formats.md, "Forms of rows".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "trajectories/export/conversation.h"
#include "trajectories/export/figures.h"
#include "trajectories/reader.h"

namespace passnet::trajectories {

// One measured answer: where it stands, and how it was judged.
struct MeasuredAnswer {
  size_t trajectory = 0;  // an index of the caller's
  std::string call_id;
  int64_t round = 0;
  Judgement judgement;
  std::optional<int64_t> tokens;
  bool may_be_chosen = false;
};

struct PreferencePair {
  MeasuredAnswer chosen;
  MeasuredAnswer rejected;
};

class PromptGroups {
 public:
  explicit PromptGroups(Reader* reader) : reader_(*reader) {}

  // `campaign_id`: figures compare within a campaign only, where profile and host are the same.
  Status Add(const std::string& campaign_id, const SettledCall& call, MeasuredAnswer answer);

  // In the order in which their prompts were first seen.
  size_t size() const { return groups_.size(); }
  // The best answer that may be chosen and the worst, where that one is clearly worse.
  std::optional<PreferencePair> PairOf(size_t group) const;
  // An answer that turned out to be of no use.
  void Drop(size_t group, const std::string& call_id);

 private:
  Result<std::string> PromptKey(const std::string& campaign_id, const SettledCall& call);
  Result<std::string> TextAround(const SettledCall& call, const Sha256Digest& head, const Sha256Digest& tail);

  Reader& reader_;
  std::map<std::pair<Sha256Digest, Sha256Digest>, std::string> around_;
  std::map<std::string, size_t> group_of_;  // hash of campaign and prompt -> index
  std::vector<std::vector<MeasuredAnswer>> groups_;
};

}  // namespace passnet::trajectories
