#include "recorded_llm/conversation.h"

#include <algorithm>

#include "base/sha256.h"

namespace passnet::recorded_llm {
namespace {

const Pattern* FirstMissing(const std::vector<Pattern>& patterns, std::string_view text) {
  for (const Pattern& pattern : patterns) {
    if (!pattern.FoundIn(text)) return &pattern;
  }
  return nullptr;
}

bool IsUser(const Message& message) { return message.role == "user"; }

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

// Evenly spread, and the same in every process: a replay must get what the first run got.
const std::string& Drawn(const Variation& variation, const Choice& choice, int64_t seed) {
  Sha256 sha;
  sha.UpdateField(std::to_string(seed))
      .UpdateField(choice.conversation->name)
      .UpdateField(std::to_string(choice.turn))
      .UpdateField(variation.mark);
  const Sha256Digest digest = sha.Finish();
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof number; ++i) number = number << 8 | digest[i];
  return variation.choices[number % variation.choices.size()];
}

void ReplaceAll(const std::string& mark, const std::string& text, std::string* in) {
  for (size_t at = in->find(mark); at != std::string::npos; at = in->find(mark, at + text.size())) {
    in->replace(at, mark.size(), text);
  }
}

}  // namespace

std::string ReplyFor(const Choice& choice, int64_t seed) {
  const Turn& turn = choice.conversation->turns[choice.turn];
  std::string reply = turn.reply;
  for (const Variation& variation : turn.vary) ReplaceAll(variation.mark, Drawn(variation, choice, seed), &reply);
  return reply;
}

Result<const Conversation*> Library::Find(std::string_view first_user_message) const {
  std::vector<const Conversation*> found;
  std::string why;
  for (const Conversation& conversation : conversations_) {
    const Pattern* missing = FirstMissing(conversation.match, first_user_message);
    if (!missing) found.push_back(&conversation);
    if (missing) why += "; " + conversation.name + " misses " + Quoted(missing->text());
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) return InvalidArgument("no recorded conversation matches the first user message" + why);
  std::string names;
  for (const Conversation* conversation : found) names += (names.empty() ? "" : ", ") + conversation->name;
  return InvalidArgument("the first user message matches more than one recorded conversation: " + names);
}

Result<Choice> Library::Choose(const std::vector<Message>& messages) const {
  auto first = std::find_if(messages.begin(), messages.end(), IsUser);
  if (first == messages.end()) return InvalidArgument("the request has no user message");
  auto last = std::find_if(messages.rbegin(), messages.rend(), IsUser);
  ASSIGN_OR_RETURN(const Conversation* conversation, Find(first->content));
  size_t turn = static_cast<size_t>(std::count_if(messages.begin(), messages.end(),
                                                  [](const Message& message) { return message.role == "assistant"; }));
  std::string where = "conversation " + conversation->name + ", turn " + std::to_string(turn);
  if (turn >= conversation->turns.size()) {
    return InvalidArgument(where + ": the recording ends after " + std::to_string(conversation->turns.size()) +
                           " turns");
  }
  if (const Pattern* missing = FirstMissing(conversation->turns[turn].expect, last->content)) {
    return InvalidArgument(where + ": the last user message does not contain the pattern " + Quoted(missing->text()));
  }
  return Choice{conversation, turn};
}

}  // namespace passnet::recorded_llm
