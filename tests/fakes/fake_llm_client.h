// An endpoint that answers from a script and keeps every body it was sent; and a sleeper that moves the fake clock.
// Threads: loop-only.
#pragma once

#include <deque>
#include <functional>
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
  explicit FakeLlmClient(std::deque<dialects::RawReply> script,
                         const dialects::Dialect& dialect = dialects::OpenAiChat());

  const dialects::Dialect& dialect() const override { return dialect_; }
  Task<dialects::RawReply> Send(dialects::WireRequest request, agent::AttemptLimits, std::stop_token cancel) override;

  // While a request is on its way, before its reply.
  void OnTheWay(std::function<void()> happens) { on_the_way_ = std::move(happens); }
  const std::vector<std::string>& bodies() const { return bodies_; }

  // A whole non-streamed reply with status 200.
  static dialects::RawReply Text(const std::string& json_escaped_content);
  static dialects::RawReply Answer(int status, std::string body);

 private:
  std::deque<dialects::RawReply> script_;
  const dialects::Dialect& dialect_;
  std::vector<std::string> bodies_;
  std::function<void()> on_the_way_;
};

class FakeSleeper : public agent::Sleeper {
 public:
  explicit FakeSleeper(FakeClock* clock) : clock_(clock) {}

  Task<bool> SleepUntil(Deadline until, std::stop_token cancel) override;

  const std::vector<Nanos>& slept() const { return slept_; }

 private:
  FakeClock* clock_;
  std::vector<Nanos> slept_;
};

}  // namespace passnet::fakes
