// Rendering of chat completions requests.
#include <string>

#include "base/json.h"
#include "dialects/dialect.h"
#include "dialects/openai_reply.h"
#include "dialects/openai_request.h"
#include "dialects/request_keys.h"

namespace passnet::dialects {
namespace {

// The fixed keys first, so that two requests differ where a reader expects it.
Json ChatKeys(const ChatRequest& request) {
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

class ChatDialect : public Dialect {
 public:
  std::string_view name() const override { return "openai-chat"; }
  std::string_view path() const override { return "/chat/completions"; }

  Result<std::string> RenderRequest(const ChatRequest& request) const override {
    Json body = ChatKeys(request);
    RETURN_IF_ERROR(AddExtraKeys(request.extra_json, &body));
    return body.Dump();
  }

  Result<std::vector<StoredMessage>> ReadMessages(std::string_view body) const override {
    return MessagesOfRequest(body);
  }

  std::unique_ptr<ReplyFold> NewFold() const override { return NewChatFold(); }
};

}  // namespace

const Dialect& OpenAiChat() {
  static const ChatDialect dialect;
  return dialect;
}

}  // namespace passnet::dialects
