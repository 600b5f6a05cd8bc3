#include "recorded_llm/endpoint.h"

#include <algorithm>

#include "base/sha256.h"
#include "recorded_llm/completion.h"

namespace passnet::recorded_llm {
namespace {

Answer RefuseOn(const Wire& wire, int status, std::string_view type, std::string_view code, const std::string& message) {
  Answer answer;
  answer.status = status;
  answer.pieces = {wire.error(type, code, message)};
  return answer;
}

Answer RateLimited(const Wire& wire, int64_t retry_after_s) {
  Answer answer = RefuseOn(wire, 429, "rate_limit_error", "rate_limit_exceeded", "injected fault: too many requests");
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

Answer Render(const Wire& wire, const Completion& completion, bool stream, const EndpointOptions& options) {
  Answer answer;
  answer.streamed = stream;
  if (stream) answer.content_type = "text/event-stream";
  answer.pieces = stream ? wire.events(completion, options.chunk_bytes) : std::vector{wire.message(completion)};
  return answer;
}

Answer WithFault(const Wire& wire, FaultRule fault, Completion completion, bool stream, const EndpointOptions& options) {
  switch (fault.kind) {
    case FaultKind::kRateLimit: return RateLimited(wire, fault.retry_after_s);
    case FaultKind::kServerError: return RefuseOn(wire, 500, "server_error", "injected", "injected fault: internal error");
    case FaultKind::kHtml: return HtmlPage();
    case FaultKind::kTruncate: completion.CutInHalf(); return Render(wire, completion, stream, options);
    case FaultKind::kDisconnect:
    case FaultKind::kStall:
    case FaultKind::kMalformed: break;
  }
  Answer answer = Render(wire, completion, stream, options);
  if (fault.kind == FaultKind::kMalformed) {
    BreakJson(&answer);
    return answer;
  }
  Halve(&answer);
  answer.ending = fault.kind == FaultKind::kStall ? Answer::Ending::kStallInside : Answer::Ending::kCloseInside;
  return answer;
}

Completion MakeCompletion(const Wire& wire, const Choice& choice, const CompletionRequest& request, std::string_view body) {
  const Turn& turn = choice.conversation->turns[choice.turn];
  Completion completion;
  completion.id = std::string(wire.id_prefix) + Sha256Hex(choice.conversation->name + "\n" + std::string(body)).substr(0, 24);
  completion.model = request.model;
  completion.content = ReplyFor(choice, request.seed);
  completion.finish_reason = turn.finish_reason;
  completion.usage = turn.usage;
  completion.usage_in_stream = request.usage_in_stream;
  return completion;
}

}  // namespace

Answer Endpoint::Refuse(int status, std::string_view type, std::string_view code, const std::string& message) {
  return RefuseOn(ChatWire(), status, type, code, message);
}

Answer Endpoint::Handle(std::string_view method, std::string_view target, std::string_view body) {
  target = target.substr(0, target.find('?'));
  const auto wires = AllWires();
  const auto wire = std::find_if(wires.begin(), wires.end(), [&](const Wire* each) { return each->target == target; });
  const bool is_wire = wire != wires.end();
  if (is_wire && method == "POST") return Complete(**wire, body);
  Answer answer;
  if (method == "GET" && target == "/health") {
    answer.pieces = {"{\"status\":\"ok\",\"conversations\":" + std::to_string(library_.size()) + "}"};
    return answer;
  }
  if (method == "GET" && target == "/v1/models") {
    answer.pieces = {RenderModels()};
    return answer;
  }
  bool is_known = is_wire || target == "/health" || target == "/v1/models";
  std::string what = std::string(method) + " " + std::string(target.substr(0, 200));
  if (is_known) return Refuse(405, "invalid_request_error", "method_not_allowed", what + ": wrong method");
  return Refuse(404, "invalid_request_error", "not_found",
                what + " is not served: use POST /v1/chat/completions, /v1/responses or /v1/messages, GET /v1/models or "
                       "GET /health");
}

Answer Endpoint::Complete(const Wire& wire, std::string_view body) {
  int64_t number = ++completions_;
  auto request = wire.parse(body);
  if (!request) return RefuseOn(wire, 400, "invalid_request_error", "invalid_body", request.error().context);
  auto choice = library_.Choose(request.value().messages);
  if (!choice) return RefuseOn(wire, 422, "invalid_request_error", "recording_mismatch", choice.error().context);
  Completion completion = MakeCompletion(wire, choice.value(), request.value(), body);
  if (auto fault = FaultOf(options_.faults, number)) {
    return WithFault(wire, *fault, std::move(completion), request.value().stream, options_);
  }
  return Render(wire, completion, request.value().stream, options_);
}

}  // namespace passnet::recorded_llm
