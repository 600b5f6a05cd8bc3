// Reading streamed replies, in each dialect: through the HTTP exchange with the fold that reads while bytes come, and the
// same without HTTP. Beside it what it would take to parse every event, and what is the framing of events alone.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent/llm/transport/http_exchange.h"
#include "base/json.h"
#include "bench/bench_main.h"
#include "bench/samples.h"
#include "dialects/dialect.h"
#include "dialects/reply_fold.h"
#include "recorded_llm/wire.h"

namespace passnet::bench {
namespace {

using dialects::Dialect;

constexpr size_t kTokenBytes = 4;         // of text an event: about what a token of code has
constexpr size_t kPieceBytes = 16 << 10;  // what one read of a socket brings at this speed

struct DialectCase {
  const Dialect& dialect;
  const recorded_llm::Wire& wire;
  const char* prefix;
};

std::vector<DialectCase> Cases() {
  return {{dialects::OpenAiChat(), recorded_llm::ChatWire(), "chat"},
          {dialects::OpenAiResponses(), recorded_llm::ResponsesWire(), "responses"},
          {dialects::AnthropicMessages(), recorded_llm::MessagesWire(), "messages"}};
}

// Code as a model writes it: with quotes, line ends and some characters that are not ASCII.
std::vector<std::string> EventsOf(const DialectCase& one, int tokens) {
  const std::string line = "  const float x = load(\"in\", i) * 0.5f;  // gr\xC3\xB6\xC3\x9F" "er\n";
  recorded_llm::Completion completion;
  completion.id = "a1b2c3d4e5f6a7b8c9d0e1f2";
  completion.model = "some-model-of-some-size";
  completion.finish_reason = "stop";
  completion.usage = recorded_llm::RecordedUsage{1000, tokens};
  completion.usage_in_stream = true;
  while (completion.content.size() < static_cast<size_t>(tokens) * kTokenBytes) completion.content += line;
  return one.wire.events(completion, kTokenBytes);
}

std::string Chunk(const std::string& bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

// A server's answer that has arrived already.
class ReadyStream : public agent::ByteStream {
 public:
  explicit ReadyStream(const std::string& bytes) : rest_(bytes) {}
  Task<Status> Write(std::string_view, Deadline, std::stop_token) override { co_return OkStatus(); }
  Task<Result<std::string>> ReadSome(Deadline, std::stop_token) override {
    std::string piece(rest_.substr(0, kPieceBytes));
    rest_.remove_prefix(piece.size());
    co_return piece;
  }
  bool SeemsIdle() override { return false; }

 private:
  std::string_view rest_;
};

Task<void> ExchangeOnce(const Dialect* dialect, const std::string* bytes, dialects::OutcomeClass* outcome) {
  ReadyStream stream(*bytes);
  agent::ExchangePorts ports{&stream, dialect, &Clock::System()};
  agent::AttemptLimits limits;
  Deadline total = Deadline::After(limits.total);
  std::stop_token cancel;
  agent::ExchangeResult result = co_await agent::Exchange(ports, "POST / HTTP/1.1\r\n\r\n", limits, total, cancel);
  *outcome = result.reply.read ? result.reply.read->outcome : dialects::OutcomeClass::kTransport;
}

Result<double> ExchangeMs(const Dialect& dialect, const std::string& bytes) {
  dialects::OutcomeClass outcome = dialects::OutcomeClass::kTransport;
  boost::asio::io_context loop(1);
  Lap lap;
  boost::asio::co_spawn(loop, ExchangeOnce(&dialect, &bytes, &outcome), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  loop.run();
  const double ms = lap.Ms();
  if (outcome != dialects::OutcomeClass::kAccepted) return Internal("the reply was not accepted");
  return ms;
}

Result<double> FoldMs(const Dialect& dialect, const dialects::RawReply& reply) {
  Lap lap;
  const auto fold = dialect.NewFold();
  for (size_t at = 0; at < reply.body.size(); at += kPieceBytes) {
    fold->Feed(std::string_view(reply.body).substr(at, kPieceBytes));
  }
  const auto outcome = fold->Finish(reply);
  const double ms = lap.Ms();
  if (outcome.outcome != dialects::OutcomeClass::kAccepted) return Internal("not accepted: " + outcome.detail);
  return ms;
}

// `parse`: every event, as JSON; otherwise they are only told apart.
double EventsMs(const std::string& body, bool parse) {
  Lap lap;
  dialects::SseParser events;
  size_t bytes = 0;
  const auto take = [&](std::string_view data) { bytes += parse ? ParseJson(data).has_value() : data.size(); };
  for (size_t at = 0; at < body.size(); at += kPieceBytes) events.Feed(std::string_view(body).substr(at, kPieceBytes), take);
  events.Finish(take);
  return lap.Ms();
}

Status MeasureOne(const DialectCase& one, int tokens, int replies, BenchReport* report) {
  dialects::RawReply reply;
  reply.sent = true;
  reply.status = 200;
  std::string http = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& event : EventsOf(one, tokens)) {
    reply.body += event;
    http += Chunk(event);
  }
  http += "0\r\n\r\n";
  std::vector<double> exchange, fold, parse, frame;
  for (int i = 0; i < replies; ++i) {
    ASSIGN_OR_RETURN(const double exchange_ms, ExchangeMs(one.dialect, http));
    ASSIGN_OR_RETURN(const double fold_ms, FoldMs(one.dialect, reply));
    exchange.push_back(exchange_ms);
    fold.push_back(fold_ms);
    parse.push_back(EventsMs(reply.body, true));
    frame.push_back(EventsMs(reply.body, false));
    Progress(one.prefix, i + 1, replies);
  }
  const std::string prefix = one.prefix;
  report->Add(prefix + "_ms", Quantile(exchange, 0.5));
  report->Add(prefix + "_replies_a_second", 1000 / Quantile(exchange, 0.5));
  report->Goal(prefix + "_replies_a_second", "min", 100);
  report->Add(prefix + "_fold_ms", Quantile(fold, 0.5));
  report->Add(prefix + "_json_share", (Quantile(fold, 0.5) - Quantile(frame, 0.5)) / Quantile(exchange, 0.5));
  report->Add(prefix + "_every_event_parsed_ms", Quantile(parse, 0.5));
  return OkStatus();
}

Result<BenchReport> Measure(int tokens, int replies) {
  BenchReport report("reply");
  for (const DialectCase& one : Cases()) RETURN_IF_ERROR(MeasureOne(one, tokens, replies, &report));
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  int tokens = 16384, replies = 20;
  return passnet::bench::Main("reply", "Reading a streamed reply of many tokens on one core, in each dialect",
                              {passnet::bench::CountOption("--tokens", "events of four bytes of text a reply", &tokens),
                               passnet::bench::CountOption("--replies", "of each dialect", &replies)},
                              [&] { return passnet::bench::Measure(tokens, replies); }, argc, argv);
}
