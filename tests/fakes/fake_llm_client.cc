#include "tests/fakes/fake_llm_client.h"

#include <utility>

namespace passnet::fakes {

FakeLlmClient::FakeLlmClient(std::deque<dialects::RawReply> script, const dialects::Dialect& dialect)
    : script_(std::move(script)), dialect_(dialect) {}

Task<dialects::RawReply> FakeLlmClient::Send(dialects::WireRequest request, agent::AttemptLimits,
                                             std::stop_token cancel) {
  bodies_.push_back(*request.body);
  dialects::RawReply reply;
  const bool sent = !cancel.stop_requested();
  if (sent && on_the_way_) on_the_way_();
  if (cancel.stop_requested()) {
    reply.end = dialects::ExchangeEnd::kCancelled;
    reply.sent = sent;
  } else if (script_.empty()) {
    reply.end = dialects::ExchangeEnd::kConnectFailed;
    reply.error = "the script of the fake endpoint has ended";
  } else {
    reply = std::move(script_.front());
    script_.pop_front();
  }
  co_return reply;
}

dialects::RawReply FakeLlmClient::Text(const std::string& json_escaped_content) {
  return Answer(200, R"({"id":"r1","model":"m","choices":[{"index":0,"finish_reason":"stop","message":)"
                     R"({"role":"assistant","content":")" +
                         json_escaped_content +
                         R"("}}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})");
}

dialects::RawReply FakeLlmClient::Answer(int status, std::string body) {
  dialects::RawReply reply;
  reply.sent = true;
  reply.status = status;
  reply.headers["content-type"] = "application/json";
  reply.body = std::move(body);
  return reply;
}

Task<bool> FakeSleeper::SleepUntil(Deadline until, std::stop_token cancel) {
  if (cancel.stop_requested()) co_return false;
  slept_.push_back(until.at() - clock_->Now());
  clock_->Advance(slept_.back());
  co_return true;
}

}  // namespace passnet::fakes
