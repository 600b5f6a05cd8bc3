// An endpoint that answers from a script and keeps every body it was sent; and a sleeper that moves the fake clock.
// Threads: loop-only.
#pragma once

#include <deque>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent/llm/client.h"
#include "agent/llm/sleeper.h"
#include "tests/fakes/fake_clock.h"

namespace passnet::fakes {

class FakeLlmClient : public agent::LlmClient {
 public:
  explicit FakeLlmClient(std::deque<dialects::RawReply> script) : script_(std::move(script)) {}

  const dialects::Dialect& dialect() const override { return dialects::OpenAiChat(); }

  Task<dialects::RawReply> Send(dialects::WireRequest request, agent::AttemptLimits,
                                std::stop_token cancel) override {
    bodies_.push_back(std::move(request.body));
    dialects::RawReply reply;
    if (cancel.stop_requested()) {
      reply.end = dialects::ExchangeEnd::kCancelled;
    } else if (script_.empty()) {
      reply.end = dialects::ExchangeEnd::kConnectFailed;
      reply.error = "the script of the fake endpoint has ended";
    } else {
      reply = std::move(script_.front());
      script_.pop_front();
    }
    co_return reply;
  }

  const std::vector<std::string>& bodies() const { return bodies_; }

  // A whole non-streamed reply with status 200.
  static dialects::RawReply Text(const std::string& json_escaped_content) {
    return Answer(200, R"({"id":"r1","model":"m","choices":[{"index":0,"finish_reason":"stop","message":)"
                       R"({"role":"assistant","content":")" +
                           json_escaped_content +
                           R"("}}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})");
  }
  static dialects::RawReply Answer(int status, std::string body) {
    dialects::RawReply reply;
    reply.sent = true;
    reply.status = status;
    reply.headers["content-type"] = "application/json";
    reply.body = std::move(body);
    return reply;
  }

 private:
  std::deque<dialects::RawReply> script_;
  std::vector<std::string> bodies_;
};

class FakeSleeper : public agent::Sleeper {
 public:
  explicit FakeSleeper(FakeClock* clock) : clock_(clock) {}

  Task<bool> SleepUntil(Deadline until, std::stop_token cancel) override {
    if (cancel.stop_requested()) co_return false;
    slept_.push_back(until.at() - clock_->Now());
    clock_->Advance(slept_.back());
    co_return true;
  }

  const std::vector<Nanos>& slept() const { return slept_; }

 private:
  FakeClock* clock_;
  std::vector<Nanos> slept_;
};

}  // namespace passnet::fakes
