#include "recorded_llm/conversation_file.h"

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "base/file.h"

namespace passnet::recorded_llm {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSchema = "passnet.recorded_conversation/1";
constexpr size_t kMaxFileBytes = 4u << 20;  // chosen: a hundred times the longest reply that a model gives

// Walks the document and collects mistakes; each getter gives a harmless value after one.
class DocumentReader {
 public:
  DocumentReader(std::filesystem::path folder, std::vector<std::string>* mistakes)
      : folder_(std::move(folder)), mistakes_(mistakes) {}

  Conversation Read() {
    Conversation conversation;
    conversation.name = folder_.filename();
    auto bytes = ReadFile(folder_ / "conversation.json", kMaxFileBytes);
    if (!bytes) {
      mistakes_->push_back(bytes.error().context);
      return conversation;
    }
    Json document = Parse(bytes.value());
    if (!CheckObject(document, "", {"schema", "metadata", "match", "turns"})) return conversation;
    if (TextAt(document, "", "schema") != kSchema) Mistake("schema", "must be \"" + std::string(kSchema) + "\"");
    CheckMetadata(document);
    conversation.match = Patterns(document, "", "match");
    if (conversation.match.empty()) Mistake("match", "must name at least one pattern");
    ReadTurns(document, &conversation);
    return conversation;
  }

 private:
  void Mistake(const std::string& key, const std::string& text) {
    std::string where = (folder_ / "conversation.json").string();
    mistakes_->push_back(where + ": " + (key.empty() ? "" : key + ": ") + text);
  }

  Json Parse(const std::string& bytes) {
    try {
      return Json::parse(bytes);
    } catch (const Json::parse_error& e) {
      Mistake("", e.what());
      return Json();
    }
  }

  bool CheckObject(const Json& value, const std::string& key, const std::vector<std::string_view>& known) {
    if (value.is_null()) return false;
    if (!value.is_object()) {
      Mistake(key, "must be an object");
      return false;
    }
    for (const auto& item : value.items()) {
      bool is_known = std::find(known.begin(), known.end(), item.key()) != known.end();
      if (!is_known && !known.empty()) Mistake(Join(key, item.key()), "is not a key of this format");
    }
    return true;
  }

  static std::string Join(const std::string& prefix, const std::string& key) {
    return prefix.empty() ? key : prefix + "." + key;
  }

  std::string TextAt(const Json& object, const std::string& prefix, const char* key) {
    auto field = object.find(key);
    if (field != object.end() && field->is_string() && !field->get_ref<const std::string&>().empty()) {
      return field->get<std::string>();
    }
    Mistake(Join(prefix, key), "must be a text that is not empty");
    return {};
  }

  void CheckMetadata(const Json& document) {
    auto metadata = document.find("metadata");
    if (metadata == document.end()) return Mistake("metadata", "is missing: it tells who wrote the recording");
    if (!CheckObject(*metadata, "metadata", {})) return;
    TextAt(*metadata, "metadata", "authored_by");
    TextAt(*metadata, "metadata", "provenance");
  }

  std::vector<Pattern> Patterns(const Json& object, const std::string& prefix, const char* key) {
    std::vector<Pattern> patterns;
    auto field = object.find(key);
    if (field == object.end()) return patterns;
    if (!field->is_array()) {
      Mistake(Join(prefix, key), "must be a list of texts");
      return patterns;
    }
    for (size_t i = 0; i < field->size(); ++i) {
      std::string where = Join(prefix, key) + "[" + std::to_string(i) + "]";
      const Json& text = (*field)[i];
      if (!text.is_string() || text.get_ref<const std::string&>().empty()) {
        Mistake(where, "must be a text that is not empty");
        continue;
      }
      auto pattern = Pattern::Compile(text.get<std::string>());
      if (pattern) patterns.push_back(std::move(pattern.value()));
      if (!pattern) Mistake(where, pattern.error().context);
    }
    return patterns;
  }

  void ReadTurns(const Json& document, Conversation* conversation) {
    auto turns = document.find("turns");
    if (turns == document.end() || !turns->is_array() || turns->empty()) {
      return Mistake("turns", "must be a list with at least one turn");
    }
    for (size_t i = 0; i < turns->size(); ++i) {
      conversation->turns.push_back(ReadTurn((*turns)[i], "turns[" + std::to_string(i) + "]"));
    }
  }

  Turn ReadTurn(const Json& object, const std::string& key) {
    Turn turn;
    if (object.is_null()) Mistake(key, "must be an object");
    if (!CheckObject(object, key, {"expect", "reply_file", "usage", "finish_reason"})) return turn;
    turn.expect = Patterns(object, key, "expect");
    turn.reply = ReadReply(TextAt(object, key, "reply_file"), key);
    turn.finish_reason = object.contains("finish_reason") ? TextAt(object, key, "finish_reason") : "stop";
    constexpr std::array<std::string_view, 3> kReasons = {"stop", "length", "content_filter"};
    if (std::find(kReasons.begin(), kReasons.end(), turn.finish_reason) == kReasons.end()) {
      Mistake(key + ".finish_reason", "must be \"stop\", \"length\" or \"content_filter\"");
    }
    if (object.contains("usage")) turn.usage = ReadUsage(object["usage"], key + ".usage");
    return turn;
  }

  std::string ReadReply(const std::string& name, const std::string& key) {
    if (name.empty()) return {};
    auto reply = ReadFileBeneath(folder_, name, kMaxFileBytes);
    if (!reply) {
      Mistake(key + ".reply_file", reply.error().context);
      return {};
    }
    // A reply travels as JSON, which has no other encoding.
    if (!Json::accept("\"" + Escaped(reply.value()) + "\"")) Mistake(key + ".reply_file", name + " is not UTF-8");
    if (reply.value().empty()) Mistake(key + ".reply_file", name + " is empty");
    return std::move(reply.value());
  }

  // Everything that JSON wants escaped made harmless, so that only the encoding is judged.
  static std::string Escaped(std::string text) {
    std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; }, ' ');
    return text;
  }

  RecordedUsage ReadUsage(const Json& object, const std::string& key) {
    if (object.is_null()) Mistake(key, "must be an object");
    if (!CheckObject(object, key, {"prompt_tokens", "completion_tokens"})) return {};
    return {CountAt(object, key, "prompt_tokens"), CountAt(object, key, "completion_tokens")};
  }

  int64_t CountAt(const Json& object, const std::string& prefix, const char* key) {
    auto field = object.find(key);
    constexpr int64_t kMost = 1'000'000'000;  // chosen: beyond any context window; keeps sums from overflowing
    bool fits = field != object.end() && field->is_number_unsigned() && field->get<uint64_t>() <= kMost;
    if (fits) return field->get<int64_t>();
    Mistake(Join(prefix, key), "must be a whole number up to " + std::to_string(kMost));
    return 0;
  }

  const std::filesystem::path folder_;
  std::vector<std::string>* const mistakes_;
};

}  // namespace

Conversation ReadConversation(const std::filesystem::path& folder, std::vector<std::string>* mistakes) {
  return DocumentReader(folder, mistakes).Read();
}

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
