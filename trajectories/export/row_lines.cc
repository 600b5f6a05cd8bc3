#include "trajectories/export/row_lines.h"

#include <algorithm>

#include "base/json.h"

namespace passnet::trajectories {
namespace {

using dialects::StoredMessage;

// Text of one of the three roles: all that the loop's own requests hold, and all that every trainer's form can say.
bool IsPlain(const StoredMessage& message) {
  const bool role = message.role == "system" || message.role == "user" || message.role == "assistant";
  return role && message.tool_calls.empty() && message.name.empty();
}

// ShareGPT's readers pair the turns up: perhaps a system prompt, then user, assistant, user, …, assistant.
bool Alternates(const std::vector<WeightedMessage>& messages) {
  size_t first = !messages.empty() && messages[0].message.role == "system";
  for (size_t i = first; i < messages.size(); ++i) {
    if (messages[i].message.role != ((i - first) % 2 == 0 ? "user" : "assistant")) return false;
  }
  return (messages.size() - first) % 2 == 0;
}

// TRL's templates differ in what they make of null.
Json TrlMessage(const StoredMessage& message) {
  return {{"role", message.role}, {"content", message.content.value_or("")}};
}

Json ShareGptTurn(const StoredMessage& message) {
  const char* from = message.role == "user" ? "human" : message.role == "assistant" ? "gpt" : "system";
  return {{"from", from}, {"value", message.content.value_or("")}};
}

Json OneMessage(const StoredMessage& message) {
  Json list = Json::MakeArray();
  list.Push(TrlMessage(message));
  return list;
}

}  // namespace

bool WantsTurnRows(RowFormat format, bool history_masked) {
  if (format == RowFormat::kTrlPromptCompletion) return true;
  return history_masked && format != RowFormat::kOpenAiChat;
}

const char* WhyNotSaid(RowFormat format, bool history_masked, const std::vector<WeightedMessage>& messages) {
  if (format == RowFormat::kOpenAiChat) return nullptr;
  const bool plain = std::all_of(messages.begin(), messages.end(),
                                 [](const WeightedMessage& one) { return IsPlain(one.message); });
  if (!plain) return "not_expressible";
  if (format == RowFormat::kShareGpt && !Alternates(messages)) return "not_expressible";
  if (WantsTurnRows(format, history_masked)) return nullptr;
  // Neither form has a weight: the trainer takes every assistant turn for one to learn from.
  const bool all_trained = std::all_of(messages.begin(), messages.end(), [](const WeightedMessage& one) {
    return one.trained || one.message.role != "assistant";
  });
  return all_trained ? nullptr : "untrained_turns";
}

std::string RowLine(RowFormat format, const std::vector<WeightedMessage>& messages) {
  if (format == RowFormat::kOpenAiChat) return TrainingLine(messages);
  Json turns = Json::MakeArray();
  for (const WeightedMessage& one : messages) {
    turns.Push(format == RowFormat::kShareGpt ? ShareGptTurn(one.message) : TrlMessage(one.message));
  }
  if (format == RowFormat::kShareGpt) return Json({{"conversations", std::move(turns)}}).Dump();
  if (format == RowFormat::kTrlMessages) return Json({{"messages", std::move(turns)}}).Dump();
  Json::Array prompt = turns.Items();
  prompt.pop_back();
  return Json({{"prompt", Json(std::move(prompt))}, {"completion", OneMessage(messages.back().message)}}).Dump();
}

const char* WhyNoPair(const std::vector<StoredMessage>& prompt, const StoredMessage& chosen,
                      const StoredMessage& rejected) {
  const bool plain = std::all_of(prompt.begin(), prompt.end(), IsPlain) && IsPlain(chosen) && IsPlain(rejected);
  return plain ? nullptr : "not_expressible";
}

std::string PreferenceLine(const std::vector<StoredMessage>& prompt, const StoredMessage& chosen,
                           const StoredMessage& rejected) {
  Json asked = Json::MakeArray();
  for (const StoredMessage& message : prompt) asked.Push(TrlMessage(message));
  return Json({{"prompt", std::move(asked)}, {"chosen", OneMessage(chosen)}, {"rejected", OneMessage(rejected)}})
      .Dump();
}

}  // namespace passnet::trajectories
