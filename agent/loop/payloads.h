// The payloads of a trajectory's events, each as one line of JSON.
// Threads: pure functions. Errors: none.
// Source: docs/formats.md, "Kinds and what stands in their fields" and "Payloads that other programs read".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/budget/budget.h"
#include "agent/loop/options.h"
#include "agent/loop/reply_parser.h"
#include "dialects/chat.h"
#include "dialects/raw_reply.h"
#include "evaluator/api/evaluation.h"
#include "prompts/prompt_set.h"

namespace passnet::agent {

struct TrajectoryPlan;

std::string StartPayload(const TrajectoryPlan& plan, const RefineOptions& options);
// Of the first round: which templates it was made of.
std::string FirstPromptPayload(const prompts::PromptTexts& texts, size_t graphs);
std::string LaterPromptPayload();

struct CallFacts {
  std::string_view dialect;
  std::string_view endpoint;
  std::string_view model;
  Amount reserved;
};
std::string IntentPayload(const CallFacts& call);
std::string AttemptPayload(int attempt);
std::string ReceivedPayload(int attempt, const dialects::RawReply& reply);

struct SettledAttempt {
  bool call_goes_on = false;  // then llm_attempt_end, else llm_outcome
  int attempt = 0;
  bool own = false;  // a failure of this call alone, see Gate::Permit::Settle
  std::string_view dialect;
  std::string_view usage_source;  // "provider", "reserved", "none"
};
std::string SettledPayload(const SettledAttempt& settled, const dialects::RawReply& raw,
                           const dialects::AttemptOutcome& outcome);
std::string ParsedPayload(const ParsedReply& parsed);

std::string EvaluationIntentPayload(const evaluator::EvaluateRequest& request);
std::string CompilePayload(const evaluator::EvaluationReport& report);

std::string ErrorPayload(std::string_view error);
std::string ReasonPayload(std::string_view reason);

}  // namespace passnet::agent
