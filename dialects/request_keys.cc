#include "dialects/request_keys.h"

#include <map>

namespace passnet::dialects {
namespace {

Json Sorted(const Json& json) {
  if (json.is_array()) {
    Json list = Json::MakeArray();
    for (const Json& item : json.Items()) list.Push(Sorted(item));
    return list;
  }
  if (!json.is_object()) return json;
  std::map<std::string, Json> members;
  for (const auto& [key, value] : json.Members()) members.emplace(key, Sorted(value));
  return Json(members);
}

}  // namespace

Json RenderMessages(const std::vector<ChatMessage>& messages) {
  Json rendered = Json::MakeArray();
  for (const ChatMessage& message : messages) {
    rendered.Push({{"role", RoleName(message.role)}, {"content", message.content}});
  }
  return rendered;
}

Status AddExtraKeys(const std::string& extra_json, Json* body) {
  if (extra_json.empty()) return OkStatus();
  ASSIGN_OR_RETURN(Json extra, ParseJsonObject(extra_json, "extra request keys"));
  const Json sorted = Sorted(extra);
  for (const auto& [key, value] : sorted.Members()) {
    if (body->Has(key)) {
      return InvalidArgument("extra request keys: \"" + key +
                             "\" is set by its own option; remove it from the extra keys");
    }
    body->Set(key, value);
  }
  return OkStatus();
}

Result<std::string> TextOfContent(const Json& content) {
  if (content.is_text()) return content.Text();
  if (!content.is_array()) return DataCorrupt(std::string("content: expected a text, found ") + content.TypeName());
  std::string text;
  for (const Json& part : content.Items()) {
    if (!part["text"].is_text()) return DataCorrupt("content: a part that is no text");
    text += part["text"].Text();
  }
  return text;
}

}  // namespace passnet::dialects
