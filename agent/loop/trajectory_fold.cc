#include "agent/loop/trajectory_fold.h"

#include <utility>

#include "base/json.h"
#include "dialects/dialect.h"
#include "evaluator/api/json.h"

namespace passnet::agent {
namespace {

using dialects::AttemptOutcome;
using dialects::OutcomeClass;
using dialects::RawReply;
using dialects::ReplyFromStored;
using dialects::Role;
using evaluator::EvaluationReport;
using evaluator::Verdict;
using trajectories::EventDraft;
using trajectories::EventKind;

constexpr std::string_view kStartPrefix = "start:";

Error Corrupt(const EventDraft& event, const std::string& what) {
  return DataCorrupt("trajectory " + event.trajectory_id + ", event " + std::string(EventKindName(event.kind)) + " " +
                     event.subject + ": " + what);
}

Result<Json> PayloadOf(const EventDraft& event) {
  auto json = ParseJsonObject(event.payload, "payload");
  if (!json) return Corrupt(event, json.error().context);
  return json;
}

// Why a trajectory ends: what its event says under `key`.
Result<std::string> TextOf(const EventDraft& event, std::string_view key) {
  ASSIGN_OR_RETURN(Json payload, PayloadOf(event));
  return payload[key].Text();
}

bool HasRef(const EventDraft& event, const std::string& name) {
  for (const auto& ref : event.refs) {
    if (ref.name == name) return true;
  }
  return false;
}

}  // namespace

Status TrajectoryFold::Apply(const EventDraft& event, const ContentFn& content, const AttemptOutcome* read,
                             int64_t at_utc_us) {
  if (auto cost = AmountBilled(event)) spent_ = spent_ + *cost;
  switch (event.kind) {
    case EventKind::kTrajectoryStarted:
      return ApplyStart(event, content);
    case EventKind::kPromptRendered:
      return ApplyPrompt(event, content);
    case EventKind::kLlmIntent:
    case EventKind::kLlmAttempt:
    case EventKind::kLlmAttemptEnd:
    case EventKind::kLlmLost:
      return ApplyCall(event, content, at_utc_us);
    case EventKind::kLlmOutcome:
      return ApplyOutcome(event, read);
    case EventKind::kReplyParsed:
      return ApplyParsed(event);
    case EventKind::kCandidate:
      return ApplyCandidate(event, content);
    case EventKind::kEvaluationIntent:
      open_evaluation_ = event.subject;
      open_purpose_ = event.label;
      evaluation_failures_ = 0;
      return OkStatus();
    case EventKind::kEvaluationInfra:
      ++evaluation_failures_;
      return OkStatus();
    case EventKind::kEvaluationReport:
      return ApplyReport(event);
    case EventKind::kFeedback: {
      auto text = content("message");
      if (!text) return text.error();
      feedback_ = std::move(text).value();
      feedback_given_ = true;
      return OkStatus();
    }
    case EventKind::kBaseline:
      ApplyBaseline(event);
      return OkStatus();
    case EventKind::kBudget:
    case EventKind::kInfra:
    case EventKind::kOperatorAction:
      return ApplyStop(event);
    case EventKind::kTrajectoryFinished:
      finished_ = true;
      return OkStatus();
    case EventKind::kCampaignLaunched:
    case EventKind::kCampaignTask:
    case EventKind::kCampaignState:
    case EventKind::kCampaignHead:
    case EventKind::kEnvironment:
    case EventKind::kCompile:
    case EventKind::kToolCall:
    case EventKind::kToolResult:
      return OkStatus();
  }
  return OkStatus();
}

Status TrajectoryFold::ApplyParsed(const EventDraft& event) {
  parsed_ = true;
  format_problem_.clear();
  if (event.label == "ok") return OkStatus();
  if (event.label == "done") {
    said_done_ = true;
    return OkStatus();
  }
  ASSIGN_OR_RETURN(format_problem_, TextOf(event, "problem"));
  round_scores_.push_back(std::nullopt);
  return OkStatus();
}

Status TrajectoryFold::ApplyStop(const EventDraft& event) {
  if (event.kind == EventKind::kOperatorAction) {
    if (event.label != "cancel") return OkStatus();
    StopFor(Stop::kCancelled, "cancelled by the operator");
    may_measure_final_ = false;
  } else if (event.kind == EventKind::kInfra) {
    ASSIGN_OR_RETURN(std::string error, TextOf(event, "error"));
    if (!open_evaluation_.empty() && open_purpose_ == "final") may_measure_final_ = false;
    StopFor(Stop::kInfra, event.label + ": " + error);
  } else if (event.label == "refuse") {
    ASSIGN_OR_RETURN(std::string reason, TextOf(event, "reason"));
    StopFor(Stop::kBudget, std::move(reason));
  }
  return OkStatus();
}

// The first cause is the one that is told, except that infrastructure and the operator end what still goes on.
void TrajectoryFold::StopFor(Stop stop, std::string text) {
  bool ends_now = stop == Stop::kInfra || stop == Stop::kCancelled;
  bool ended = stop_ == Stop::kInfra || stop_ == Stop::kCancelled;
  if (ended || (stop_ != Stop::kNone && !ends_now)) return;
  stop_ = stop;
  stop_text_ = std::move(text);
}

void TrajectoryFold::BeginRound(int64_t round) {
  round_ = round;
  open_call_.reset();
  lost_in_round_ = 0;
  reply_.reset();
  parsed_ = false;
  format_problem_.clear();
  candidate_.reset();
  report_.reset();
  feedback_given_ = false;
}

Status TrajectoryFold::ApplyStart(const EventDraft& event, const ContentFn& content) {
  started_ = true;
  prompts::StartingPoint start;
  for (const auto& ref : event.refs) {
    if (!ref.name.starts_with(kStartPrefix)) continue;
    ASSIGN_OR_RETURN(std::string bytes, content(ref.name));
    start.files.push_back({ref.name.substr(kStartPrefix.size()), std::move(bytes)});
  }
  if (start.files.empty()) return OkStatus();
  ASSIGN_OR_RETURN(Json payload, PayloadOf(event));
  start.verdict = payload["start"]["verdict"].Text();
  start.score = payload["start"]["score"].Number();
  start_ = std::move(start);
  return OkStatus();
}

Status TrajectoryFold::ApplyPrompt(const EventDraft& event, const ContentFn& content) {
  int64_t round = event.round.value_or(0);
  if (round != round_ + 1) {
    return Corrupt(event, "round " + std::to_string(round) + " follows " + std::to_string(round_));
  }
  BeginRound(round);
  if (round == 1) {
    auto system = content("system");
    if (!system) return system.error();
    messages_.push_back({Role::kSystem, std::move(system).value()});
  }
  auto user = content("user");
  if (!user) return user.error();
  messages_.push_back({Role::kUser, std::move(user).value()});
  return OkStatus();
}

Status TrajectoryFold::ApplyIntent(const EventDraft& event, const ContentFn& content) {
  ASSIGN_OR_RETURN(Json payload, PayloadOf(event));
  auto dialect = dialects::DialectNamed(payload["dialect"].Text());
  if (!dialect) return Corrupt(event, dialect.error().context);
  auto request = content("request");
  if (!request) return request.error();
  ++calls_;
  open_call_.emplace();
  open_call_->request = dialects::WireRequest(dialect.value(), std::move(request).value());
  open_call_->id = event.subject;
  open_call_->reserved_tokens = payload["reserved_tokens"].Integer();
  if (int64_t cost = payload["reserved_microusd"].Integer(); cost > 0) open_call_->reserved_microusd = cost;
  return OkStatus();
}

Status TrajectoryFold::ApplyCall(const EventDraft& event, const ContentFn& content, int64_t at_utc_us) {
  if (event.kind == EventKind::kLlmIntent) return ApplyIntent(event, content);
  if (!open_call_ || open_call_->id != event.subject) return Corrupt(event, "this call is not open");
  if (event.kind == EventKind::kLlmLost) {
    ++lost_in_round_;
    open_call_.reset();
    return OkStatus();
  }
  ASSIGN_OR_RETURN(Json payload, PayloadOf(event));
  if (event.kind == EventKind::kLlmAttempt) {
    open_call_->counts.made = static_cast<int>(payload["attempt"].Integer());
    open_call_->in_flight = true;
    return OkStatus();
  }
  open_call_->in_flight = false;
  if (event.label != "received") {
    AttemptFailed(event, payload, at_utc_us);
    return OkStatus();
  }
  std::string body;
  if (HasRef(event, "reply")) {
    auto bytes = content("reply");
    if (!bytes) return bytes.error();
    body = std::move(bytes).value();
  }
  auto raw = ReplyFromStored(payload["facts"].Text(), std::move(body));
  if (!raw) return Corrupt(event, raw.error().context);
  open_call_->raw = std::move(raw).value();
  return OkStatus();
}

void TrajectoryFold::AttemptFailed(const EventDraft& event, const Json& payload, int64_t at_utc_us) {
  OpenCall& call = *open_call_;
  call.raw.reset();
  const auto outcome = dialects::OutcomeClassFromName(event.label);
  // One that we stopped ourselves has not failed.
  if (call.failing_since_utc_us == 0 && outcome != OutcomeClass::kCancelled) call.failing_since_utc_us = at_utc_us;
  const bool lost = outcome == OutcomeClass::kTransport;
  // Journals from before there was a gate do not say whose failure it was.
  if (!payload["own"].Flag(lost)) return;
  ++call.counts.own;
  if (outcome == OutcomeClass::kRateLimited) ++call.counts.refused;
  if (lost) ++call.counts.lost;
}

Status TrajectoryFold::ApplyOutcome(const EventDraft& event, const AttemptOutcome* read) {
  if (!open_call_ || open_call_->id != event.subject) return Corrupt(event, "this call is not open");
  std::optional<RawReply> raw = std::move(open_call_->raw);
  const dialects::Dialect& dialect = *open_call_->request.dialect;
  open_call_.reset();
  if (event.label == "cancelled") return OkStatus();
  if (!raw) return Corrupt(event, "no reply was received before it");
  AttemptOutcome outcome = read != nullptr ? *read : dialect.Interpret(*raw);
  if (outcome.outcome == OutcomeClass::kContextOverflow) {
    StopFor(Stop::kContext, outcome.detail);
  } else if (!IsModelBehaviour(outcome.outcome)) {
    StopFor(Stop::kInfra, "infra_llm: " + event.label + ": " + outcome.detail);
  } else {
    messages_.push_back({Role::kAssistant, outcome.reply.content});
    reply_ = std::move(outcome);
    reply_call_id_ = event.subject;
  }
  return OkStatus();
}

Status TrajectoryFold::ApplyCandidate(const EventDraft& event, const ContentFn& content) {
  candidate_.emplace();
  candidate_->round = event.round.value_or(round_);
  candidate_->hash = event.subject;
  for (const auto& ref : event.refs) {
    if (!ref.name.starts_with("file:")) continue;
    auto bytes = content(ref.name);
    if (!bytes) return bytes.error();
    candidate_->files.push_back({ref.name.substr(5), std::move(bytes).value()});
  }
  return OkStatus();
}

Status TrajectoryFold::ApplyReport(const EventDraft& event) {
  auto report = evaluator::EvaluationReportFromJson(event.payload);
  if (!report) return Corrupt(event, report.error().context);
  if (event.subject != open_evaluation_) return Corrupt(event, "this evaluation is not open");
  open_evaluation_.clear();
  if (open_purpose_ == "final") {
    final_report_ = std::move(report).value();
    return OkStatus();
  }
  if (!candidate_) return Corrupt(event, "there is no candidate");
  Consider(report.value());
  report_ = std::move(report).value();
  return OkStatus();
}

// A lane that could not measure it has stored why; the figure is then not known.
void TrajectoryFold::ApplyBaseline(const EventDraft& event) {
  baseline_done_ = true;
  auto report = evaluator::BaselineReportFromJson(event.payload);
  if (!report) return;
  for (const auto& graph : report.value().graphs) {
    if (graph.speedup_call) inductor_speedups_[graph.path] = *graph.speedup_call;
  }
}

void TrajectoryFold::Consider(const EvaluationReport& report) {
  bool ok = report.verdict == Verdict::kOk && report.aggregated_score;
  round_scores_.push_back(ok ? report.aggregated_score : std::nullopt);
  if (!report.aggregated_score) return;
  double score = *report.aggregated_score;
  bool best_is_ok = best_ && best_->verdict == Verdict::kOk;
  bool better = !best_ || (ok && !best_is_ok) || (ok == best_is_ok && score > best_->score);
  if (better) best_ = Best{*candidate_, report.verdict, score};
}

bool TrajectoryFold::Plateau(const RoundOptions& options) const {
  std::optional<double> level;
  int64_t flat = 0;
  for (const auto& score : round_scores_) {
    if (score && (!level || *score > *level * (1 + options.plateau_percent / 100))) {
      level = score;
      flat = 0;
    } else if (level) {
      ++flat;
    }
  }
  return level && flat >= options.plateau_rounds;
}

NextStep TrajectoryFold::Next(const RefineOptions& options) const {
  if (finished_) return NextStep::kDone;
  if (!started_) return NextStep::kStart;
  if (stop_ == Stop::kCancelled) return NextStep::kFinish;
  // What was reached before our failure is measured all the same, unless that measurement is what failed.
  if (stop_ == Stop::kInfra) return best_ && !final_report_ && may_measure_final_ ? NextStep::kFinal : NextStep::kFinish;
  bool round_ended = report_ || !format_problem_.empty();
  bool over = stop_ != Stop::kNone || said_done_ ||
              (round_ended && (round_ >= options.rounds.rounds || Plateau(options.rounds)));
  if (!over) {
    if (round_ == 0 || feedback_given_) return NextStep::kRender;
    if (!reply_) return NextStep::kAsk;
    if (!parsed_) return NextStep::kParse;
    if (!round_ended) return NextStep::kEvaluate;
    // It is measured once in any case: before the first feedback that can tell the model of it.
    const bool wanted = report_ && options.scoring.baseline && !baseline_done_;
    return wanted ? NextStep::kBaseline : NextStep::kFeedback;
  }
  if (best_ && !final_report_) return NextStep::kFinal;
  if (options.scoring.baseline && !baseline_done_) return NextStep::kBaseline;
  return NextStep::kFinish;
}

std::string TrajectoryFold::Outcome() const {
  if (stop_ == Stop::kInfra) return "infra";
  if (stop_ == Stop::kCancelled) return "cancelled";
  if (final_report_ && final_report_->verdict == Verdict::kOk) return "solved";
  return stop_ == Stop::kBudget ? "budget" : "unsolved";
}

std::string TrajectoryFold::Reason(const RoundOptions& options) const {
  if (stop_ == Stop::kBudget) return "budget: " + stop_text_;
  if (stop_ == Stop::kContext) return "context: " + stop_text_;
  if (stop_ != Stop::kNone) return stop_text_;
  if (said_done_) return "the model says that it is done";
  if (round_ >= options.rounds) return "round limit of " + std::to_string(options.rounds);
  return "plateau: no improvement in " + std::to_string(options.plateau_rounds) + " rounds";
}

}  // namespace passnet::agent
