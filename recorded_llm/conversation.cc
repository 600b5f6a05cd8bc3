#include "recorded_llm/conversation.h"

#include <algorithm>

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

}  // namespace

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
