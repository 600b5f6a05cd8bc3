#include "recorded_llm/endpoint.h"

#include "base/sha256.h"
#include "recorded_llm/completion.h"

namespace passnet::recorded_llm {
namespace {

Answer RateLimited(int64_t retry_after_s) {
  Answer answer = Endpoint::Refuse(429, "rate_limit_error", "rate_limit_exceeded", "injected fault: too many requests");
  answer.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
  return answer;
}

Answer HtmlPage() {
  Answer answer;
  answer.status = 502;
  answer.content_type = "text/html";
  answer.pieces = {"<html><head><title>502 Bad Gateway</title></head><body>injected fault</body></html>\n"};
  return answer;
}

// Leaves the front half of a body: half of the events, or half of the bytes.
void Halve(Answer* answer) {
  if (answer->streamed) {
    answer->pieces.resize(answer->pieces.size() / 2);
    return;
  }
  std::string& body = answer->pieces.front();
  answer->missing_bytes = body.size() - body.size() / 2;
  body.resize(body.size() / 2);
}

void BreakJson(Answer* answer) {
  // The middle event of a stream, or the one body.
  std::string& piece = answer->pieces[answer->pieces.size() / 2];
  piece.resize(piece.size() / 2);
  if (answer->streamed) piece += "\n\n";
}

Answer Render(const Completion& completion, bool stream, const EndpointOptions& options) {
  Answer answer;
  answer.streamed = stream;
  if (stream) answer.content_type = "text/event-stream";
  answer.pieces = stream ? RenderEvents(completion, options.chunk_bytes) : std::vector{RenderMessage(completion)};
  return answer;
}

Answer WithFault(FaultRule fault, Completion completion, bool stream, const EndpointOptions& options) {
  switch (fault.kind) {
    case FaultKind::kRateLimit: return RateLimited(fault.retry_after_s);
    case FaultKind::kServerError:
      return Endpoint::Refuse(500, "server_error", "injected", "injected fault: internal error");
    case FaultKind::kHtml: return HtmlPage();
    case FaultKind::kTruncate: completion.CutInHalf(); return Render(completion, stream, options);
    case FaultKind::kDisconnect:
    case FaultKind::kStall:
    case FaultKind::kMalformed: break;
  }
  Answer answer = Render(completion, stream, options);
  if (fault.kind == FaultKind::kMalformed) {
    BreakJson(&answer);
    return answer;
  }
  Halve(&answer);
  answer.ending = fault.kind == FaultKind::kStall ? Answer::Ending::kStallInside : Answer::Ending::kCloseInside;
  return answer;
}

Completion MakeCompletion(const Choice& choice, const CompletionRequest& request, std::string_view body) {
  const Turn& turn = choice.conversation->turns[choice.turn];
  Completion completion;
  completion.id = "chatcmpl-" + Sha256Hex(choice.conversation->name + "\n" + std::string(body)).substr(0, 24);
  completion.model = request.model;
  completion.content = turn.reply;
  completion.finish_reason = turn.finish_reason;
  completion.usage = turn.usage;
  completion.usage_in_stream = request.usage_in_stream;
  return completion;
}

}  // namespace

Answer Endpoint::Refuse(int status, std::string_view type, std::string_view code, const std::string& message) {
  Answer answer;
  answer.status = status;
  answer.pieces = {RenderError(type, code, message)};
  return answer;
}

Answer Endpoint::Handle(std::string_view method, std::string_view target, std::string_view body) {
  target = target.substr(0, target.find('?'));
  bool is_chat = target == "/v1/chat/completions";
  if (is_chat && method == "POST") return Complete(body);
  Answer answer;
  if (method == "GET" && target == "/health") {
    answer.pieces = {"{\"status\":\"ok\",\"conversations\":" + std::to_string(library_.size()) + "}"};
    return answer;
  }
  if (method == "GET" && target == "/v1/models") {
    answer.pieces = {RenderModels()};
    return answer;
  }
  bool is_known = is_chat || target == "/health" || target == "/v1/models";
  std::string what = std::string(method) + " " + std::string(target.substr(0, 200));
  if (is_known) return Refuse(405, "invalid_request_error", "method_not_allowed", what + ": wrong method");
  return Refuse(404, "invalid_request_error", "not_found",
                what + " is not served: use POST /v1/chat/completions, GET /v1/models or GET /health");
}

Answer Endpoint::Complete(std::string_view body) {
  int64_t number = ++completions_;
  auto request = ParseCompletionRequest(body);
  if (!request) return Refuse(400, "invalid_request_error", "invalid_body", request.error().context);
  auto choice = library_.Choose(request.value().messages);
  if (!choice) return Refuse(422, "invalid_request_error", "recording_mismatch", choice.error().context);
  Completion completion = MakeCompletion(choice.value(), request.value(), body);
  if (auto fault = FaultOf(options_.faults, number)) {
    return WithFault(*fault, std::move(completion), request.value().stream, options_);
  }
  return Render(completion, request.value().stream, options_);
}

}  // namespace passnet::recorded_llm
