#include "agent/loop/refine_loop.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <utility>

#include "agent/loop/durable_steps.h"
#include "agent/loop/reply_parser.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/sha256.h"
#include "dialects/dialect.h"
#include "evaluator/api/json.h"
#include "prompts/refine_prompts.h"

namespace passnet::agent {
namespace {

using dialects::AttemptOutcome;
using dialects::ChatRequest;
using dialects::OutcomeClass;
using dialects::RawReply;
using dialects::Usage;
using trajectories::EventDraft;
using trajectories::EventKind;
using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// A malformed task folder will not get better by asking again.
bool IsLasting(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kNotFound;
}

Nanos BackoffAfter(int64_t failures) {  // chosen: 1, 2, 4 … at most 30 s; a lane restarts within a few seconds
  return std::chrono::seconds(std::min<int64_t>(30, int64_t{1} << std::min<int64_t>(failures - 1, 5)));
}

// Refusals are not billed; whatever was sent and not refused may be.
bool MayBeBilled(const AttemptOutcome& outcome, bool sent) {
  if (IsModelBehaviour(outcome.outcome)) return true;
  return sent && (outcome.outcome == OutcomeClass::kLost || outcome.outcome == OutcomeClass::kCancelled);
}

std::string ProblemOf(const AttemptOutcome& reply, int64_t max_tokens) {
  if (reply.outcome == OutcomeClass::kTruncated) {
    return "the reply was cut at the limit of " + std::to_string(max_tokens) + " tokens; answer more briefly";
  }
  if (reply.outcome == OutcomeClass::kFiltered) return "the reply was refused or stopped by a content filter";
  if (reply.outcome == OutcomeClass::kMalformed) return "the reply is empty or malformed: " + reply.detail;
  return {};
}

}  // namespace

std::string EvaluationId(const std::string& trajectory_id, int64_t round, const std::string& purpose, int repetition) {
  Sha256 sha;
  sha.UpdateField(trajectory_id)
      .UpdateField("round " + std::to_string(round))
      .UpdateField(purpose)
      .UpdateField(std::to_string(repetition));
  return ToHex(sha.Finish());
}

RefineLoop::RefineLoop(TrajectoryPlan plan, const RefineOptions* options, const prompts::PromptTexts* texts,
                       LoopPorts ports, Progress progress)
    : plan_(std::move(plan)),
      options_(options),
      texts_(texts),
      ports_(std::move(ports)),
      progress_(std::move(progress)) {}

Task<Status> RefineLoop::Run(std::stop_token stop, std::stop_token cancel) {
  stop_ = stop;
  std::stop_callback stopped(stop, [this] { ended_.request_stop(); });
  std::stop_callback cancelled(cancel, [this] { ended_.request_stop(); });
  for (;;) {
    NextStep next = progress_.Next(*options_);
    if (next == NextStep::kDone) co_return OkStatus();
    if (stop.stop_requested()) co_return Error{ErrorCode::kCancelled, "the daemon stops"};
    Status done = OkStatus();
    // The journal takes nothing of a trajectory before its start, and nothing needs to be ended before its end.
    bool under_way = next != NextStep::kStart && next != NextStep::kFinish;
    if (cancel.stop_requested() && under_way) {
      done = co_await CancelNow();
    } else {
      done = co_await Do(next);
    }
    bool interrupted = !done && done.error().code == ErrorCode::kCancelled && !stop.stop_requested() && cancel.stop_requested();
    if (!done && !interrupted) co_return done.error();
  }
}

Task<Status> RefineLoop::Do(NextStep step) {
  switch (step) {
    case NextStep::kStart: co_return co_await Start();
    case NextStep::kRender: co_return co_await Render();
    case NextStep::kAsk: co_return co_await Ask();
    case NextStep::kParse: co_return co_await Parse();
    case NextStep::kEvaluate: {
      std::string purpose = "refine";
      co_return co_await Evaluate(std::move(purpose));
    }
    case NextStep::kFeedback: co_return co_await Feedback();
    case NextStep::kFinal: {
      std::string purpose = "final";
      co_return co_await Evaluate(std::move(purpose));
    }
    case NextStep::kBaseline: co_return co_await Baseline();
    case NextStep::kFinish: co_return co_await Finish();
    case NextStep::kDone: break;
  }
  co_return OkStatus();
}

Task<Status> RefineLoop::Start() {
  Step step = NewStep(EventKind::kTrajectoryStarted);
  step.event.round.reset();
  step.event.subject = plan_.task;
  step.event.payload = Dump({{"schema", "passnet.trajectory_start/1"},
                             {"task", plan_.task},
                             {"task_path", plan_.task_path},
                             {"task_hash", plan_.task_hash},
                             {"model", options_->sampling.model},
                             {"device", options_->scoring.device},
                             {"profile", evaluator::ProfileName(options_->scoring.final_profile)}});
  co_return co_await AppendOne(std::move(step));
}

Task<Status> RefineLoop::Render() {
  if (progress_.round() == 0) co_return co_await RenderFirstRound();
  Step step = NewStep(EventKind::kPromptRendered);
  step.event.round = progress_.round() + 1;
  step.event.payload = Dump({{"templates", Json::object()}});
  step.contents["user"] = progress_.feedback();
  co_return co_await AppendOne(std::move(step));
}

Task<Status> RefineLoop::RenderFirstRound() {
  evaluator::DescribeTaskRequest request;
  request.task.path = plan_.task_path;
  request.device = options_->scoring.device;
  Result<evaluator::TaskDescription> task = co_await ports_.lane->DescribeTask(std::move(request), ended_.get_token());
  if (!task) {
    std::string what = "task description";
    co_return co_await LaneFailed(std::move(what), task.error(), ++lane_failures_);
  }
  lane_failures_ = 0;
  task.value().task = plan_.task;
  auto system = prompts::RenderSystem(*texts_, options_->reply, options_->scoring.b);
  if (!system) co_return system.error();
  auto first = prompts::RenderFirst(*texts_, task.value(), options_->scoring.device, options_->rounds.rounds);
  if (!first) co_return first.error();
  Step step = NewStep(EventKind::kPromptRendered);
  step.event.round = 1;
  Json templates = Json::object();
  for (const auto& [name, text] : *texts_) templates[name] = Sha256Hex(text);
  step.event.payload = Dump({{"templates", templates}, {"graphs", task.value().graphs.size()}});
  step.contents["system"] = std::move(system).value();
  step.contents["user"] = std::move(first).value();
  co_return co_await AppendOne(std::move(step));
}

// ---- the call

Task<Status> RefineLoop::Ask() {
  const auto& open = progress_.open_call();
  if (open && open->raw) co_return co_await SettleReceived();
  if (open && open->in_flight) {
    // The attempt left in an earlier life of the daemon and may have been billed.
    Step lost = NewStep(EventKind::kLlmLost);
    lost.event.subject = open->id;
    SpendReservation(&lost.event);
    co_return co_await AppendOne(std::move(lost));
  }
  if (progress_.lost_in_round() > options_->rounds.lost_calls) {
    std::string label = "infra_llm";
    std::string error = std::to_string(progress_.lost_in_round()) + " calls of this round were lost";
    co_return co_await GiveUp(std::move(label), std::move(error));
  }
  ChatRequest request;
  const SamplingOptions& sampling = options_->sampling;
  request.model = sampling.model;
  request.messages = progress_.messages();
  request.max_tokens = sampling.max_tokens;
  request.max_completion_tokens = sampling.max_completion_tokens;
  request.temperature = sampling.temperature;
  request.seed = sampling.seed;
  request.stream = sampling.stream;
  request.extra_json = sampling.extra_json;
  Result<std::string> body = ports_.client->dialect().RenderRequest(request);
  if (!body) {
    std::string label = "infra_llm";
    co_return co_await GiveUp(std::move(label), body.error().context);
  }
  if (!progress_.open_call()) co_return co_await OpenCall(std::move(body).value());

  CallPorts ports;
  ports.client = ports_.client;
  ports.limiter = ports_.limiter;
  ports.sleeper = ports_.sleeper;
  ports.observer = this;
  ports.clock = ports_.clock;
  ports.jitter = ports_.jitter;
  CallOptions options;
  options.limits = options_->limits;
  options.retry = options_->retry;
  options.before = progress_.open_call()->counts;
  std::string call_id = progress_.open_call()->id;
  dialects::WireRequest wire{&ports_.client->dialect(), std::move(body).value()};
  Result<CallResult> called = co_await CallModel(std::move(ports), std::move(wire), options, ended_.get_token());
  if (called) {
    bool ended = called.value().outcome.outcome == OutcomeClass::kCancelled;
    if (ended) co_return Error{ErrorCode::kCancelled, "the call was cancelled"};
    co_return OkStatus();
  }
  if (called.error().code != ErrorCode::kResourceExhausted) co_return called.error();
  // BeforeSend refused a further attempt: what earlier ones may have cost has used the budget up.
  Step outcome = NewStep(EventKind::kLlmOutcome);
  outcome.event.subject = call_id;
  outcome.event.label = "cancelled";
  Step refuse = NewStep(EventKind::kBudget);
  refuse.event.subject = call_id;
  refuse.event.label = "refuse";
  refuse.event.payload = Dump({{"reason", called.error().context}});
  std::vector<Step> steps;
  steps.push_back(std::move(outcome));
  steps.push_back(std::move(refuse));
  co_return co_await Append(std::move(steps));
}

// Reserves what the call may cost and writes the intent; nothing is sent yet.
Task<Status> RefineLoop::OpenCall(std::string body) {
  std::string call_id = plan_.trajectory_id + "/call-" + std::to_string(progress_.calls() + 1);
  Amount amount = UpperBound(body.size(), options_->sampling.max_tokens, options_->prices);
  Status reserved = co_await ports_.budget->Reserve(call_id, amount, ended_.get_token());
  if (!reserved) {
    if (reserved.error().code != ErrorCode::kResourceExhausted) co_return reserved.error();
    Step refuse = NewStep(EventKind::kBudget);
    refuse.event.subject = call_id;
    refuse.event.label = "refuse";
    refuse.event.payload = Dump({{"reason", reserved.error().context}});
    co_return co_await AppendOne(std::move(refuse));
  }
  Step intent = NewStep(EventKind::kLlmIntent);
  intent.event.subject = call_id;
  intent.event.payload = Dump({{"schema", "passnet.llm_intent/1"},
                               {"dialect", ports_.client->dialect().name()},
                               {"endpoint", plan_.endpoint},
                               {"model", options_->sampling.model},
                               {"reserved_tokens", amount.tokens()},
                               {"reserved_microusd", amount.microusd ? Json(*amount.microusd) : Json(nullptr)}});
  intent.contents["request"] = std::move(body);
  Status written = co_await AppendOne(std::move(intent));
  if (!written) ports_.budget->Release(call_id);
  co_return written;
}

Task<Status> RefineLoop::BeforeSend(int attempt) {
  if (attempt > 1 && ports_.budget->overdrawn()) {
    co_return Error{ErrorCode::kResourceExhausted, "earlier attempts have used up the campaign's budget"};
  }
  Step step = NewStep(EventKind::kLlmAttempt);
  step.event.subject = progress_.open_call()->id;
  step.event.payload = Dump({{"attempt", attempt}});
  co_return co_await AppendOne(std::move(step));
}

Task<Status> RefineLoop::AfterReply(int attempt, const RawReply* reply) {
  Step step = NewStep(EventKind::kLlmAttemptEnd);
  step.event.subject = progress_.open_call()->id;
  step.event.label = "received";
  step.event.payload = Dump({{"attempt", attempt}, {"facts", ReplyFactsToJson(*reply)}});
  if (!reply->body.empty()) step.contents["reply"] = reply->body;
  co_return co_await AppendOne(std::move(step));
}

Task<Status> RefineLoop::AfterDecision(int attempt, const AttemptOutcome* outcome, const RetryDecision* decision) {
  // A call that we stopped goes on later under the same id, as after a wait.
  bool goes_on = decision->retry || outcome->outcome == OutcomeClass::kCancelled;
  co_return co_await SettleAttempt(attempt, *outcome, goes_on);
}

// A reply that arrived before a crash: what follows from it is decided now.
Task<Status> RefineLoop::SettleReceived() {
  const RawReply raw = *progress_.open_call()->raw;
  AttemptCounts counts = progress_.open_call()->counts;
  AttemptOutcome outcome = ports_.client->dialect().Interpret(raw);
  if (outcome.outcome == OutcomeClass::kLost) ++counts.lost;
  RetryDecision decision =
      DecideRetry(options_->retry, raw, outcome, counts, ports_.clock->UtcMicros(), ports_.jitter());
  bool goes_on = decision.retry || outcome.outcome == OutcomeClass::kCancelled;
  co_return co_await SettleAttempt(counts.made, std::move(outcome), goes_on);
}

Task<Status> RefineLoop::SettleAttempt(int attempt, AttemptOutcome outcome, bool goes_on) {
  const RawReply& raw = *progress_.open_call()->raw;
  Step step = NewStep(goes_on ? EventKind::kLlmAttemptEnd : EventKind::kLlmOutcome);
  step.event.subject = progress_.open_call()->id;
  step.event.label = OutcomeClassName(outcome.outcome);
  const Usage& usage = outcome.reply.usage;
  std::string source = "none";
  if (usage.known) {
    Amount amount = AmountOf(usage, options_->prices);
    step.event.prompt_tokens = amount.prompt_tokens;
    step.event.completion_tokens = amount.completion_tokens;
    step.event.cost_microusd = amount.microusd;
    source = "provider";
  } else if (MayBeBilled(outcome, raw.sent)) {
    SpendReservation(&step.event);
    source = "reserved";
  }
  step.event.payload = Dump({{"schema", goes_on ? "passnet.llm_attempt_end/1" : "passnet.llm_outcome/1"},
                             {"attempt", attempt},
                             {"dialect", ports_.client->dialect().name()},
                             {"http_status", raw.status},
                             {"finish_reason", outcome.reply.finish_reason},
                             {"usage_source", source},
                             {"request_id", outcome.reply.request_id},
                             {"latency_ms", std::chrono::duration_cast<Millis>(raw.total).count()},
                             {"detail", outcome.detail}});
  if (!raw.body.empty()) step.contents["reply"] = raw.body;
  co_return co_await AppendOne(std::move(step));
}

void RefineLoop::SpendReservation(EventDraft* event) const {
  const auto& open = progress_.open_call();
  event->completion_tokens = std::min(open->reserved_tokens, options_->sampling.max_tokens);
  event->prompt_tokens = open->reserved_tokens - *event->completion_tokens;
  event->cost_microusd = open->reserved_microusd;
}

// ---- the candidate

Task<Status> RefineLoop::Parse() {
  const AttemptOutcome& reply = *progress_.reply();
  ParsedReply parsed;
  parsed.problem = ProblemOf(reply, options_->sampling.max_tokens);
  if (parsed.problem.empty()) parsed = ParseReply(reply.reply.content, options_->reply);
  Json names = Json::array();
  for (const auto& file : parsed.files) names.push_back(file.name);
  bool ok = parsed.problem.empty();
  Step step = NewStep(EventKind::kReplyParsed);
  step.event.subject = progress_.reply_call_id();
  step.event.label = ok ? "ok" : "format_error";
  step.event.payload = Dump({{"files", names}, {"problem", ok ? Json(nullptr) : Json(parsed.problem)}});
  std::vector<Step> steps;
  steps.push_back(std::move(step));
  if (ok) {
    Step candidate = NewStep(EventKind::kCandidate);
    candidate.event.subject = PassDirHash(parsed.files);
    for (auto& file : parsed.files) candidate.contents["file:" + file.name] = std::move(file.bytes);
    steps.push_back(std::move(candidate));
  }
  co_return co_await Append(std::move(steps));
}

Task<Status> RefineLoop::Evaluate(std::string purpose) {
  bool last = purpose == "final";
  const Candidate& candidate = last ? progress_.best()->candidate : *progress_.candidate();
  const ScoringOptions& scoring = options_->scoring;
  evaluator::EvaluateRequest request;
  request.evaluation_id = EvaluationId(plan_.trajectory_id, candidate.round, purpose, 0);
  request.purpose = purpose;
  request.task.path = plan_.task_path;
  request.files = candidate.files;
  request.profile = last ? scoring.final_profile : scoring.refine_profile;
  request.time_cap = std::chrono::milliseconds(last ? scoring.final_time_cap_ms : scoring.refine_time_cap_ms);
  request.call_path = scoring.call_path;
  request.matching = scoring.matching;
  request.p = scoring.p;
  request.b = scoring.b;
  request.device = scoring.device;
  const std::string id = request.evaluation_id;
  const int64_t round = candidate.round;
  if (progress_.open_evaluation() != id) {
    Step intent = NewStep(EventKind::kEvaluationIntent);
    intent.event.round = round;
    intent.event.subject = id;
    intent.event.label = purpose;
    intent.event.payload = Dump({{"profile", evaluator::ProfileName(request.profile)},
                                 {"device", request.device},
                                 {"call_path", evaluator::CallPathName(request.call_path)},
                                 {"matching", evaluator::MatchingName(request.matching)}});
    Status written = co_await AppendOne(std::move(intent));
    if (!written) co_return written.error();
  }
  Result<evaluator::EvaluationReport> report = co_await ports_.lane->Evaluate(std::move(request), ended_.get_token());
  PASSNET_FAILPOINT("agent.report_not_durable");
  bool infra = !report || report.value().verdict == evaluator::Verdict::kInfra;
  if (infra) {
    Error error = report ? Error{ErrorCode::kUnavailable, report.value().reason} : report.error();
    if (error.code == ErrorCode::kCancelled) co_return error;
    Step failed = NewStep(EventKind::kEvaluationInfra);
    failed.event.round = round;
    failed.event.subject = id;
    failed.event.label = "infra_lane";
    failed.event.payload = Dump({{"error", ToString(error)}});
    Status written = co_await AppendOne(std::move(failed));
    if (!written) co_return written.error();
    std::string what = "evaluation (" + purpose + ")";
    co_return co_await LaneFailed(std::move(what), std::move(error), progress_.evaluation_failures());
  }
  Step step = NewStep(EventKind::kEvaluationReport);
  step.event.round = round;
  step.event.subject = id;
  step.event.label = evaluator::VerdictName(report.value().verdict);
  step.event.score = report.value().aggregated_score;
  step.event.payload = evaluator::ToJson(report.value());
  std::vector<Step> steps;
  if (!report.value().compile.empty()) {
    Json files = Json::array();
    bool ok = true;
    for (const auto& file : report.value().compile) {
      ok = ok && file.ok;
      files.push_back({{"file", file.file}, {"ok", file.ok}, {"cached", file.cached}, {"seconds", file.seconds}});
    }
    Step compile = NewStep(EventKind::kCompile);
    compile.event.round = round;
    compile.event.label = ok ? "ok" : "failed";
    compile.event.payload = Dump(files);
    steps.push_back(std::move(compile));
  }
  steps.push_back(std::move(step));
  co_return co_await Append(std::move(steps));
}

prompts::RoundStanding RefineLoop::Standing() const {
  prompts::RoundStanding standing;
  standing.round = progress_.round();
  standing.rounds_left = options_->rounds.rounds - progress_.round();
  if (const auto& best = progress_.best()) {
    standing.best = prompts::BestSoFar{best->candidate.round, best->verdict, best->score};
  }
  return standing;
}

Task<Status> RefineLoop::Feedback() {
  Result<std::string> text = progress_.report()
                                 ? prompts::RenderFeedback(*texts_, *progress_.report(), Standing())
                                 : prompts::RenderWrongFormat(*texts_, progress_.format_problem(), Standing());
  if (!text) co_return text.error();
  Step step = NewStep(EventKind::kFeedback);
  step.contents["message"] = std::move(text).value();
  co_return co_await AppendOne(std::move(step));
}

// ---- the end

Task<Status> RefineLoop::Baseline() {
  evaluator::BaselineRequest request;
  request.evaluation_id = EvaluationId(plan_.trajectory_id, 0, "baseline", 0);
  request.task.path = plan_.task_path;
  request.profile = options_->scoring.final_profile;
  request.time_cap = std::chrono::milliseconds(options_->scoring.final_time_cap_ms);
  request.device = options_->scoring.device;
  request.p = options_->scoring.p;
  request.b = options_->scoring.b;
  std::string compiler = evaluator::BaselineCompilerName(request.compiler);
  Result<evaluator::BaselineReport> report = co_await ports_.lane->Baseline(std::move(request), ended_.get_token());
  Step step = NewStep(EventKind::kBaseline);
  step.event.round.reset();
  step.event.subject = plan_.task;
  step.event.label = compiler;
  if (report) {
    step.event.payload = evaluator::ToJson(report.value());
  } else {
    if (report.error().code == ErrorCode::kCancelled) co_return report.error();
    // The figure beside the score, not the score: after a few attempts the report says that it is not known.
    if (++lane_failures_ < options_->rounds.infra_attempts && !IsLasting(report.error())) {
      Deadline until = Deadline::After(BackoffAfter(lane_failures_), *ports_.clock);
      co_await ports_.sleeper->SleepUntil(until, ended_.get_token());
      co_return OkStatus();
    }
    step.event.payload = Dump({{"error", ToString(report.error())}});
  }
  lane_failures_ = 0;
  co_return co_await AppendOne(std::move(step));
}

Task<Status> RefineLoop::Finish() {
  Step step = NewStep(EventKind::kTrajectoryFinished);
  step.event.round.reset();
  step.event.label = progress_.Outcome();
  if (progress_.final_report() && step.event.label != "infra" && step.event.label != "cancelled") {
    step.event.subject = progress_.best()->candidate.hash;
    step.event.round = progress_.best()->candidate.round;
    step.event.score = progress_.final_report()->aggregated_score;
  }
  step.event.payload = Dump({{"reason", progress_.Reason(options_->rounds)}});
  co_return co_await AppendOne(std::move(step));
}

// An open call ends with it: nothing will ever be asked under its id again.
Task<Status> RefineLoop::CancelNow() {
  std::vector<Step> steps;
  if (const auto& open = progress_.open_call()) {
    Step end = NewStep(open->in_flight ? EventKind::kLlmLost : EventKind::kLlmOutcome);
    end.event.subject = open->id;
    if (open->in_flight) {
      SpendReservation(&end.event);
    } else {
      end.event.label = "cancelled";
    }
    steps.push_back(std::move(end));
  }
  Step action = NewStep(EventKind::kOperatorAction);
  action.event.label = "cancel";
  steps.push_back(std::move(action));
  co_return co_await Append(std::move(steps));
}

Task<Status> RefineLoop::GiveUp(std::string label, std::string error) {
  log::Warning("agent", "trajectory ends for a failure on our side",
               {{"trajectory_id", plan_.trajectory_id}, {"class", label}, {"error", error}});
  Step step = NewStep(EventKind::kInfra);
  step.event.label = std::move(label);
  step.event.payload = Dump({{"error", error}});
  co_return co_await AppendOne(std::move(step));
}

// Waits before the next attempt, or ends the trajectory when there were enough.
Task<Status> RefineLoop::LaneFailed(std::string what, Error error, int64_t failures) {
  if (error.code == ErrorCode::kCancelled) co_return error;
  if (IsLasting(error) || failures >= options_->rounds.infra_attempts) {
    std::string label = IsLasting(error) ? "infra_task" : "infra_lane";
    co_return co_await GiveUp(std::move(label), what + ": " + ToString(error));
  }
  Deadline until = Deadline::After(BackoffAfter(failures), *ports_.clock);
  co_await ports_.sleeper->SleepUntil(until, ended_.get_token());
  co_return OkStatus();
}

// ---- journal

Step RefineLoop::NewStep(EventKind kind) const {
  Step step;
  step.event.campaign_id = plan_.campaign_id;
  step.event.trajectory_id = plan_.trajectory_id;
  step.event.kind = kind;
  if (progress_.round() > 0) step.event.round = progress_.round();
  return step;
}

Task<Status> RefineLoop::AppendOne(Step step) {
  std::vector<Step> steps;
  steps.push_back(std::move(step));
  co_return co_await Append(std::move(steps));
}

Task<Status> RefineLoop::Append(std::vector<Step> steps) {
  // The fold goes by the events' references; the store fills in the digests from the same list.
  for (Step& step : steps) {
    for (const auto& [name, bytes] : step.contents) step.event.refs.push_back({name, {}});
  }
  auto shared = std::make_shared<const std::vector<Step>>(std::move(steps));
  Status written = co_await ports_.journal->Append(shared, stop_);
  if (!written) co_return written.error();
  for (const Step& step : *shared) {
    StepIsDurable(step.event.kind);
    ports_.budget->Apply(step.event);
    auto content = [&step](const std::string& name) -> Result<std::string> {
      auto found = step.contents.find(name);
      if (found == step.contents.end()) return Internal("step without the content " + name);
      return found->second;
    };
    Status applied = progress_.Apply(step.event, content);
    if (!applied) co_return applied.error();
  }
  co_return OkStatus();
}

}  // namespace passnet::agent
