// One answer as it grows, and what kind of answer it is in the end: what all dialects have in common.
// Threads: thread-compatible. Errors: none: every answer has a class, and one that is not whole is never accepted.
// Source: docs/llm.md, "Outcomes".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dialects/chat.h"

namespace passnet::dialects {

// Where a server may put reasoning, the best place first; the text's own <think> counts when it named none.
enum class ReasoningPlace { kDetails, kContent, kPlain };

class ReplyBuilder {
 public:
  // Texts to append to.
  std::string* content() { return &reply_.content; }
  std::string* refusal() { return &reply_.refusal; }
  std::string* reasoning(ReasoningPlace place) { return &reasoning_[static_cast<size_t>(place)]; }

  // The last one that can be believed wins: some servers send it with the last choice, some in a chunk of its own.
  void SetUsage(const std::optional<int64_t>& prompt, const std::optional<int64_t>& completion);
  void SetFinishReason(std::string reason);
  bool finished() const { return !reply_.finish_reason.empty(); }

  // The call that a server counts as `index`. A new id on a known index is a new call: some servers give every call the
  // index 0, or none. nullptr: there are too many.
  ToolCall* CallFor(size_t index, const std::string& id);

  // The ends. Each leaves the builder empty.
  AttemptOutcome Lost(std::string why);
  AttemptOutcome Failed(AttemptOutcome error);
  // A whole answer: what kind of answer is it?
  AttemptOutcome Finished();

 private:
  AttemptOutcome Ended(OutcomeClass outcome, std::string detail);
  const ToolCall* BrokenToolCall() const;
  void Settle();
  void SplitThinking();

  ChatReply reply_;
  std::vector<ToolCall> calls_;
  std::unordered_map<size_t, size_t> newest_call_;  // by the index that the server gave it
  std::array<std::string, 3> reasoning_;
  bool too_many_calls_ = false;
};

}  // namespace passnet::dialects
