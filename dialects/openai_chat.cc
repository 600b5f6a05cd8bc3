// Rendering of chat completions requests, and the way from a raw reply to the two interpreters.
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "dialects/dialect.h"
#include "dialects/openai_error.h"
#include "dialects/openai_reply.h"

namespace passnet::dialects {
namespace {

// Keys in the order they were put: the fixed ones first, so that two requests differ where a reader expects it.
using OrderedJson = nlohmann::ordered_json;

OrderedJson RenderMessages(const std::vector<ChatMessage>& messages) {
  OrderedJson rendered = OrderedJson::array();
  for (const ChatMessage& message : messages) {
    rendered.push_back({{"role", RoleName(message.role)}, {"content", message.content}});
  }
  return rendered;
}

OrderedJson RenderOwnKeys(const ChatRequest& request) {
  OrderedJson body;
  body["model"] = request.model;
  body["messages"] = RenderMessages(request.messages);
  body[request.max_completion_tokens ? "max_completion_tokens" : "max_tokens"] = request.max_tokens;
  if (request.temperature) body["temperature"] = *request.temperature;
  if (request.seed) body["seed"] = *request.seed;
  if (!request.stop.empty()) body["stop"] = request.stop;
  body["stream"] = request.stream;
  if (request.stream && request.stream_usage) body["stream_options"] = {{"include_usage", true}};
  return body;
}

// Sorted, whatever order the configuration had: nlohmann::json keeps its keys so.
Status AddExtraKeys(const std::string& extra_json, OrderedJson* body) {
  if (extra_json.empty()) return OkStatus();
  auto extra = nlohmann::json::parse(extra_json, nullptr, /*allow_exceptions=*/false);
  if (!extra.is_object()) return InvalidArgument("extra request keys: not a JSON object: " + extra_json);
  for (auto& [key, value] : extra.items()) {
    if (body->contains(key)) {
      return InvalidArgument("extra request keys: \"" + key +
                             "\" is set by its own option; remove it from the extra keys");
    }
    (*body)[key] = value;
  }
  return OkStatus();
}

// By the bytes first: gateways answer a streamed request with plain JSON, and some name no type at all.
bool LooksStreamed(const RawReply& reply) {
  std::string_view body = Trimmed(reply.body);
  if (body.starts_with('{')) return false;
  if (body.starts_with("data:") || body.starts_with(':')) return true;
  auto type = reply.headers.find("content-type");
  return type != reply.headers.end() && type->second.starts_with("text/event-stream");
}

class OpenAiDialect : public Dialect {
 public:
  std::string_view name() const override { return "openai-chat"; }
  std::string_view path() const override { return "/chat/completions"; }

  Result<std::string> RenderRequest(const ChatRequest& request) const override {
    OrderedJson body = RenderOwnKeys(request);
    RETURN_IF_ERROR(AddExtraKeys(request.extra_json, &body));
    return body.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  }

  bool EndsStream(std::string_view event_data) const override { return Trimmed(event_data).starts_with("[DONE]"); }

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
    if (reply.status == 0) return {OutcomeClass::kLost, "no reply: " + reply.error, {}};
    // The status line alone tells what a refusal is, even when its body was cut.
    if (reply.status < 200 || reply.status > 299) return InterpretRefusal(reply.status, reply.body);
    bool whole = reply.end == ExchangeEnd::kComplete;
    AttemptOutcome outcome =
        LooksStreamed(reply) ? InterpretStream(reply.body, whole) : InterpretMessage(reply.body, whole);
    if (!whole && outcome.outcome == OutcomeClass::kLost) {
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
