#include "bench/turn_parts.h"

#include <time.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "agent/campaign/launch.h"
#include "agent/loop/reply_parser.h"
#include "base/json.h"
#include "dialects/dialect.h"
#include "evaluator/api/json.h"
#include "prompts/refine_prompts.h"
#include "trajectories/batch.h"
#include "trajectories/reader.h"

namespace passnet::bench {
namespace {

using dialects::Role;
using trajectories::Event;
using trajectories::EventKind;

double ThreadMs() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Adds to `sum` what the scope costs.
class Part {
 public:
  explicit Part(double* sum) : sum_(sum), begun_(ThreadMs()) {}
  ~Part() { *sum_ += ThreadMs() - begun_; }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

 private:
  double* const sum_;
  const double begun_;
};

Role RoleOf(const std::string& name) {
  if (name == "system") return Role::kSystem;
  return name == "assistant" ? Role::kAssistant : Role::kUser;
}

class Parts {
 public:
  Parts(trajectories::Reader* reader, agent::Launch launch) : reader_(*reader), launch_(std::move(launch)) {}

  Status Take(const Event& event) {
    std::map<std::string, std::string> contents;
    for (const auto& ref : event.body.refs) {
      ASSIGN_OR_RETURN(contents[ref.name], reader_.Content(ref.sha256));
    }
    RETURN_IF_ERROR(Seal(event, contents));
    if (event.body.kind == EventKind::kLlmIntent) return TakeRequest(contents["request"]);
    if (event.body.kind == EventKind::kEvaluationReport) return TakeReport(event);
    const bool received = event.body.kind == EventKind::kLlmAttemptEnd && event.body.label == "received";
    return received ? TakeReply(event, contents["reply"]) : OkStatus();
  }

  TurnParts PerTurn() const {
    TurnParts parts = sums_;
    const double turns = static_cast<double>(std::max<int64_t>(1, parts.turns));
    for (double* ms : {&parts.request_ms, &parts.reply_ms, &parts.feedback_ms, &parts.seal_ms}) *ms /= turns;
    return parts;
  }

 private:
  Status Seal(const Event& event, const std::map<std::string, std::string>& contents) {
    Part part(&sums_.seal_ms);
    trajectories::Batch batch(&known_);
    for (const auto& [name, bytes] : contents) {
      auto digest = name == "request" ? batch.AddRequest(bytes) : batch.AddBlob(bytes);
      if (!digest) return digest.error();
    }
    Status added = batch.Add(event.body);
    known_.Learn(batch);
    return added;
  }

  Status TakeRequest(const std::string& body) {
    ASSIGN_OR_RETURN(const auto messages, dialects::OpenAiChat().ReadMessages(body));
    dialects::ChatRequest request;
    request.model = launch_.spec.refine.sampling.model;
    request.seed = launch_.spec.refine.sampling.seed;
    for (const auto& message : messages) request.messages.push_back({RoleOf(message.role), message.content.value_or("")});
    ++sums_.turns;
    Part part(&sums_.request_ms);
    return dialects::OpenAiChat().RenderRequest(request) ? OkStatus() : Status(Internal("a request that does not render"));
  }

  Status TakeReply(const Event& event, std::string body) {
    ASSIGN_OR_RETURN(const Json payload, ParseJsonObject(event.body.payload, "llm_attempt_end"));
    ASSIGN_OR_RETURN(const auto reply, dialects::ReplyFromStored(payload["facts"].Text(), std::move(body)));
    Part part(&sums_.reply_ms);
    const auto outcome = dialects::OpenAiChat().Interpret(reply);
    agent::ParseReply(outcome.reply.content, launch_.spec.refine.reply);
    return OkStatus();
  }

  Status TakeReport(const Event& event) {
    ASSIGN_OR_RETURN(const auto report, evaluator::EvaluationReportFromJson(event.body.payload));
    prompts::RoundStanding standing;
    standing.round = event.body.round.value_or(1);
    Part part(&sums_.feedback_ms);
    auto text = prompts::RenderFeedback(launch_.prompts, report, standing);
    return text ? OkStatus() : Status(text.error());
  }

  trajectories::Reader& reader_;
  const agent::Launch launch_;
  trajectories::KnownBlobs known_;
  TurnParts sums_;
};

}  // namespace

Result<TurnParts> MeasureTurnParts(const std::string& journal, const std::string& campaign_id, int64_t trajectories) {
  ASSIGN_OR_RETURN(auto reader, trajectories::Reader::Open(journal));
  ASSIGN_OR_RETURN(agent::Launch launch, agent::LoadLaunch(*reader, campaign_id));
  ASSIGN_OR_RETURN(const auto states, reader->Trajectories(campaign_id, 0, trajectories));
  Parts parts(reader.get(), std::move(launch));
  for (const auto& state : states) {
    ASSIGN_OR_RETURN(const auto events, reader->Chain(campaign_id, state.trajectory_id));
    for (const Event& event : events) RETURN_IF_ERROR(parts.Take(event));
  }
  return parts.PerTurn();
}

}  // namespace passnet::bench
