// Recorded conversations: which one a request belongs to, which of its replies comes next, and what the request must
// contain before it gets it.
// Threads: immutable after loading. Owns: all recordings, in memory.
// Errors: Load: kInvalidArgument, every mistake of every file in one text, a line each with file and key; kNotFound.
// Choose: kInvalidArgument, the text names the conversation, the turn and the missing pattern.
// Source: docs/recorded_llm.md for the format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "recorded_llm/pattern.h"

namespace passnet::recorded_llm {

inline constexpr std::string_view kConversationSchema = "passnet.recorded_conversation/1";

struct RecordedUsage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};

// A mark in a reply that stands for another text from sample to sample.
struct Variation {
  std::string mark;
  std::vector<std::string> choices;  // at least one
};

struct Turn {
  std::vector<Pattern> expect;  // all must be found in the last user message
  std::string reply;
  std::vector<Variation> vary;
  std::string finish_reason;
  std::optional<RecordedUsage> usage;
};

struct Conversation {
  std::string name;            // of its folder
  std::vector<Pattern> match;  // all must be found in the first user message
  std::vector<Turn> turns;
};

struct Message {
  std::string role;
  std::string content;
};

// Pointers into the library.
struct Choice {
  const Conversation* conversation = nullptr;
  size_t turn = 0;
};

// The turn's reply with one of the choices for every mark: the same for the same seed, another one for most others.
std::string ReplyFor(const Choice& choice, int64_t seed);

class Library {
 public:
  // Each folder below `directory` is one conversation. Blocks.
  static Result<Library> Load(const std::filesystem::path& directory);

  // By the first user message, then by the number of assistant messages.
  Result<Choice> Choose(const std::vector<Message>& messages) const;

  size_t size() const { return conversations_.size(); }

 private:
  explicit Library(std::vector<Conversation> conversations) : conversations_(std::move(conversations)) {}
  Result<const Conversation*> Find(std::string_view first_user_message) const;

  std::vector<Conversation> conversations_;
};

}  // namespace passnet::recorded_llm
