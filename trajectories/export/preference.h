// Pairs of answers to one and the same prompt, of which one was measured clearly worse.
// Threads: thread-compatible. Errors: none.
// Source: docs/formats.md, "Forms of rows".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "trajectories/export/conversation.h"
#include "trajectories/export/figures.h"

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
  // `campaign_id`: figures compare within a campaign only, where profile and host are the same.
  void Add(const std::string& campaign_id, const ModelCall& call, MeasuredAnswer answer);

  // Of each prompt the best answer that may be chosen and the worst, where that one is clearly worse. In the order in
  // which the prompts were first seen.
  std::vector<PreferencePair> Pairs() const;

 private:
  std::map<std::string, size_t> group_of_;  // hash of campaign and prompt -> index
  std::vector<std::vector<MeasuredAnswer>> groups_;
};

}  // namespace passnet::trajectories
