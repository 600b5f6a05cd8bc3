// How recordings are loaded: every folder, every mistake.
#include <algorithm>
#include <string_view>
#include <system_error>

#include "base/fields.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "recorded_llm/conversation.h"

namespace passnet::recorded_llm {
namespace {

constexpr size_t kMaxFileBytes = 4u << 20;     // chosen: a hundred times the longest reply that a model gives
constexpr int64_t kMaxTokens = 1'000'000'000;  // chosen: beyond any context window; keeps sums from overflowing
constexpr const char* kNoText = "must be a text that is not empty";

void ReadMetadata(FieldReader& fields) {
  Json metadata;  // free but for these two
  fields.Any("metadata", &metadata);
  if (!metadata.is_object()) return fields.Complain("metadata", "must be an object: it tells who wrote the recording");
  for (const char* key : {"authored_by", "provenance"}) {
    if (metadata[key].Text().empty()) fields.Complain(std::string("metadata.") + key, kNoText);
  }
}

std::vector<Pattern> ReadPatterns(FieldReader& fields, const std::string& key) {
  Json texts = Json::MakeArray();
  fields.Any(key, &texts);
  if (!texts.is_array()) fields.Complain(key, "must be a list of texts");
  std::vector<Pattern> patterns;
  for (size_t i = 0; i < texts.Items().size(); ++i) {
    const std::string& text = texts.At(i).Text();
    const std::string where = key + "[" + std::to_string(i) + "]";
    auto pattern = text.empty() ? InvalidArgument(kNoText) : Pattern::Compile(text);
    if (pattern) patterns.push_back(std::move(pattern).value());
    if (!pattern) fields.Complain(where, pattern.error().context);
  }
  return patterns;
}

std::string ReadReply(FieldReader& fields, const std::filesystem::path& folder) {
  std::string name;
  fields.Text("reply_file", &name);
  if (name.empty()) {
    fields.Complain("reply_file", kNoText);
    return {};
  }
  auto reply = ReadFileBeneath(folder, name, kMaxFileBytes);
  if (!reply) {
    fields.Complain("reply_file", reply.error().context);
    return {};
  }
  // A reply travels as JSON, which has no other encoding.
  if (!IsUtf8(reply.value())) fields.Complain("reply_file", name + " is not UTF-8");
  if (reply.value().empty()) fields.Complain("reply_file", name + " is empty");
  return std::move(reply).value();
}

std::vector<Variation> ReadVariations(FieldReader& fields, const std::string& reply) {
  Json given = Json::MakeObject();
  fields.Any("vary", &given);
  if (!given.is_object()) fields.Complain("vary", "must be an object: marks of the reply with a list of texts each");
  std::vector<Variation> variations;
  for (const auto& [mark, texts] : given.Members()) {
    const std::string where = "vary." + mark;
    Variation variation{mark, {}};
    for (const Json& text : texts.Items()) {
      if (text.is_text()) variation.choices.push_back(text.Text());
    }
    const bool whole = !variation.choices.empty() && variation.choices.size() == texts.Items().size();
    if (!whole) fields.Complain(where, "must be a list of texts, at least one");
    if (mark.empty() || reply.find(mark) == std::string::npos) fields.Complain(where, "does not stand in the reply");
    variations.push_back(std::move(variation));
  }
  return variations;
}

std::optional<RecordedUsage> ReadUsage(FieldReader& fields) {
  Json given;
  fields.Any("usage", &given);
  if (given.is_null()) return std::nullopt;
  RecordedUsage usage;
  fields.Enter("usage");
  fields.Required("prompt_tokens");
  fields.Integer("prompt_tokens", &usage.prompt_tokens, 0, kMaxTokens);
  fields.Required("completion_tokens");
  fields.Integer("completion_tokens", &usage.completion_tokens, 0, kMaxTokens);
  fields.Leave();
  return usage;
}

Turn ReadTurn(FieldReader& fields, const std::filesystem::path& folder) {
  static const std::vector<std::string> kReasons = {"stop", "length", "content_filter"};
  Turn turn;
  turn.expect = ReadPatterns(fields, "expect");
  turn.reply = ReadReply(fields, folder);
  turn.vary = ReadVariations(fields, turn.reply);
  int reason = 0;
  fields.Choice("finish_reason", &reason, kReasons);
  turn.finish_reason = kReasons[static_cast<size_t>(reason)];
  turn.usage = ReadUsage(fields);
  return turn;
}

void ReadDocument(FieldReader& fields, const std::filesystem::path& folder, Conversation* conversation) {
  VisitSchema(fields, kConversationSchema);
  ReadMetadata(fields);
  conversation->match = ReadPatterns(fields, "match");
  if (conversation->match.empty()) fields.Complain("match", "must name at least one pattern");
  Json turns;
  fields.Any("turns", &turns);
  if (turns.empty()) fields.Complain("turns", "must be a list with at least one turn");
  fields.List(
      "turns", 0, [&](size_t size) { conversation->turns.resize(size); },
      [&](size_t i) { conversation->turns[i] = ReadTurn(fields, folder); });
}

// Every mistake is added as "<file>: <key>: <what is wrong>"; what has one is harmless, since it is never replayed.
Conversation ReadConversation(const std::filesystem::path& folder, std::vector<std::string>* mistakes) {
  const std::string file = folder / "conversation.json";
  Conversation conversation;
  conversation.name = folder.filename();
  auto bytes = ReadFile(file, kMaxFileBytes);
  if (!bytes) {
    mistakes->push_back(bytes.error().context);
    return conversation;
  }
  auto document = ParseJsonObject(bytes.value(), file);
  if (!document) {
    mistakes->push_back(document.error().context);
    return conversation;
  }
  FieldReader fields(document.value());
  ReadDocument(fields, folder, &conversation);
  for (const FieldProblem& problem : fields.Finish()) {
    mistakes->push_back(file + ": " + problem.key + ": " + problem.text);
  }
  return conversation;
}

}  // namespace

Result<Library> Library::Load(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error) return NotFound("conversations " + directory.string() + ": " + error.message());
  std::vector<std::filesystem::path> folders;
  for (; entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (entries->is_directory(error)) folders.push_back(entries->path());
  }
  if (error) return Error{ErrorCode::kIo, "conversations " + directory.string() + ": " + error.message()};
  std::sort(folders.begin(), folders.end());
  std::vector<std::string> mistakes;
  if (folders.empty()) mistakes.push_back(directory.string() + ": holds no folder with a conversation.json");
  std::vector<Conversation> conversations;
  for (const auto& folder : folders) conversations.push_back(ReadConversation(folder, &mistakes));
  if (mistakes.empty()) return Library(std::move(conversations));
  std::string text = std::to_string(mistakes.size()) + " mistakes in the recorded conversations";
  for (const std::string& mistake : mistakes) text += "\n  " + mistake;
  return InvalidArgument(text);
}

}  // namespace passnet::recorded_llm
