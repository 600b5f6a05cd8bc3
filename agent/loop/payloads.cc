#include "agent/loop/payloads.h"

#include <chrono>

#include "agent/loop/live_trajectory.h"
#include "base/json.h"
#include "base/sha256.h"

namespace passnet::agent {

std::string StartPayload(const TrajectoryPlan& plan, const RefineOptions& options) {
  Json payload = {{"schema", "passnet.trajectory_start/1"},
                  {"task", plan.task},
                  {"task_path", plan.task_path},
                  {"task_hash", plan.task_hash},
                  {"sample", plan.sample},
                  {"model", options.sampling.model},
                  {"device", options.scoring.device},
                  {"profile", evaluator::ProfileName(options.scoring.final_profile)}};
  if (const auto& restart = plan.restart) {
    payload.Set("start", {{"trajectory_id", restart->trajectory_id},
                          {"verdict", restart->start.verdict},
                          {"score", restart->start.score}});
  }
  return payload.Dump();
}

std::string FirstPromptPayload(const prompts::PromptTexts& texts, size_t graphs) {
  Json templates = Json::MakeObject();
  for (const auto& [name, text] : texts) templates.Set(name, Sha256Hex(text));
  return Json({{"templates", std::move(templates)}, {"graphs", graphs}}).Dump();
}

std::string LaterPromptPayload() { return Json({{"templates", Json::MakeObject()}}).Dump(); }

std::string IntentPayload(const CallFacts& call) {
  return Json({{"schema", "passnet.llm_intent/1"},
               {"dialect", call.dialect},
               {"endpoint", call.endpoint},
               {"model", call.model},
               {"reserved_tokens", call.reserved.tokens()},
               {"reserved_microusd", OrNull(call.reserved.microusd)}})
      .Dump();
}

std::string AttemptPayload(int attempt) { return Json({{"attempt", attempt}}).Dump(); }

std::string ReceivedPayload(int attempt, const dialects::RawReply& reply) {
  return Json({{"attempt", attempt}, {"facts", dialects::ReplyFactsToJson(reply)}}).Dump();
}

std::string SettledPayload(const SettledAttempt& settled, const dialects::RawReply& raw,
                           const dialects::AttemptOutcome& outcome) {
  return Json({{"schema", settled.call_goes_on ? "passnet.llm_attempt_end/1" : "passnet.llm_outcome/1"},
               {"attempt", settled.attempt},
               {"own", settled.own},
               {"dialect", settled.dialect},
               {"http_status", raw.status},
               {"finish_reason", outcome.reply.finish_reason},
               {"usage_source", settled.usage_source},
               {"request_id", outcome.reply.request_id},
               {"latency_ms", std::chrono::duration_cast<Millis>(raw.total).count()},
               {"detail", outcome.detail}})
      .Dump();
}

std::string ParsedPayload(const ParsedReply& parsed) {
  Json names = Json::MakeArray();
  for (const auto& file : parsed.files) names.Push(file.name);
  return Json({{"files", std::move(names)}, {"problem", OrNull(parsed.problem)}}).Dump();
}

std::string EvaluationIntentPayload(const evaluator::EvaluateRequest& request) {
  return Json({{"profile", evaluator::ProfileName(request.profile)},
               {"device", request.device},
               {"call_path", evaluator::CallPathName(request.call_path)},
               {"matching", evaluator::MatchingName(request.matching)}})
      .Dump();
}

std::string CompilePayload(const evaluator::EvaluationReport& report) {
  Json files = Json::MakeArray();
  for (const auto& file : report.compile) {
    files.Push({{"file", file.file}, {"ok", file.ok}, {"cached", file.cached}, {"seconds", file.seconds}});
  }
  return files.Dump();
}

std::string ErrorPayload(std::string_view error) { return Json({{"error", error}}).Dump(); }
std::string ReasonPayload(std::string_view reason) { return Json({{"reason", reason}}).Dump(); }

}  // namespace passnet::agent
