// Rendering of chat completions requests, and the way from a raw reply to the two interpreters.
#include <map>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "dialects/dialect.h"
#include "dialects/openai_error.h"
#include "dialects/openai_reply.h"
#include "dialects/openai_request.h"

namespace passnet::dialects {
namespace {

Json RenderMessages(const std::vector<ChatMessage>& messages) {
  Json rendered = Json::MakeArray();
  for (const ChatMessage& message : messages) {
    rendered.Push({{"role", RoleName(message.role)}, {"content", message.content}});
  }
  return rendered;
}

// The fixed keys first, so that two requests differ where a reader expects it.
Json RenderOwnKeys(const ChatRequest& request) {
  Json body;
  body.Set("model", request.model);
  body.Set("messages", RenderMessages(request.messages));
  body.Set(request.max_completion_tokens ? "max_completion_tokens" : "max_tokens", request.max_tokens);
  if (request.temperature) body.Set("temperature", *request.temperature);
  if (request.seed) body.Set("seed", *request.seed);
  body.Set("stream", request.stream);
  if (request.stream) body.Set("stream_options", {{"include_usage", true}});
  return body;
}

// By name at every level, whatever order the configuration had: specs that say the same give the same request.
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

class OpenAiDialect : public Dialect {
 public:
  std::string_view name() const override { return "openai-chat"; }
  std::string_view path() const override { return "/chat/completions"; }

  Result<std::string> RenderRequest(const ChatRequest& request) const override {
    Json body = RenderOwnKeys(request);
    RETURN_IF_ERROR(AddExtraKeys(request.extra_json, &body));
    return body.Dump();
  }

  bool EndsStream(std::string_view event_data) const override { return Trimmed(event_data).starts_with("[DONE]"); }

  Result<std::vector<StoredMessage>> ReadMessages(std::string_view body) const override {
    return MessagesOfRequest(body);
  }

  AttemptOutcome Interpret(const RawReply& reply) const override {
    AttemptOutcome outcome = InterpretBytes(reply);
    auto request_id = reply.headers.find("x-request-id");
    if (request_id != reply.headers.end()) outcome.reply.request_id = request_id->second;
    return outcome;
  }

 private:
  AttemptOutcome InterpretBytes(const RawReply& reply) const {
    switch (reply.end) {
      case ExchangeEnd::kCancelled: return {OutcomeClass::kCancelled, "cancelled", {}};
      case ExchangeEnd::kConnectFailed:
      case ExchangeEnd::kConnectTimeout: return {OutcomeClass::kOverloaded, reply.error, {}};
      case ExchangeEnd::kPeerUntrusted: return {OutcomeClass::kBadRequest, reply.error, {}};
      case ExchangeEnd::kComplete:
      case ExchangeEnd::kFirstByteTimeout:
      case ExchangeEnd::kIdleTimeout:
      case ExchangeEnd::kTotalTimeout:
      case ExchangeEnd::kCut:
      case ExchangeEnd::kTooLarge:
      case ExchangeEnd::kProtocolError: break;
    }
    if (reply.status == 0) return {OutcomeClass::kTransport, "no reply: " + reply.error, {}};
    // The status line alone tells what a refusal is, even when its body was cut.
    if (reply.status < 200 || reply.status > 299) return InterpretRefusal(reply.status, reply.body);
    bool whole = reply.end == ExchangeEnd::kComplete;
    AttemptOutcome outcome = InterpretAnswer(reply.body, whole);
    if (!whole && outcome.outcome == OutcomeClass::kTransport) {
      outcome.detail = "the reply broke off after " + std::to_string(reply.body.size()) + " bytes: " + reply.error;
    }
    return outcome;
  }
};

}  // namespace

const Dialect& OpenAiChat() {
  static const OpenAiDialect dialect;
  return dialect;
}

Result<const Dialect*> DialectNamed(std::string_view name) {
  if (name.empty() || name == OpenAiChat().name()) return &OpenAiChat();
  return NotFound("dialect \"" + OneLine(name, 80) + "\" is none that this build knows (openai-chat)");
}

}  // namespace passnet::dialects
