#include "agent/loop/refine_loop.h"

#include <optional>
#include <utility>
#include <vector>

#include "agent/loop/payloads.h"
#include "agent/loop/reply_parser.h"
#include "evaluator/api/json.h"
#include "evaluator/api/pass_dir.h"
#include "prompts/refine_prompts.h"

namespace passnet::agent {
namespace {

using dialects::AttemptOutcome;
using dialects::OutcomeClass;
using trajectories::EventKind;

// Why nothing can be parsed out of a settled reply; empty when it is whole.
std::string ProblemOf(const AttemptOutcome& reply, int64_t max_tokens) {
  if (reply.outcome == OutcomeClass::kTruncated) {
    return "the reply was cut at the limit of " + std::to_string(max_tokens) + " tokens; answer more briefly";
  }
  if (reply.outcome == OutcomeClass::kRefused) return "the reply was refused or stopped by a content filter";
  if (reply.outcome == OutcomeClass::kMalformed) return "the reply is empty or malformed: " + reply.detail;
  return {};
}

prompts::RoundStanding StandingOf(const TrajectoryFold& fold, const RoundOptions& rounds) {
  prompts::RoundStanding standing;
  standing.round = fold.round();
  standing.rounds_left = rounds.rounds - fold.round();
  if (const auto& best = fold.best()) {
    standing.best = prompts::BestSoFar{best->candidate.round, best->verdict, best->score};
  }
  standing.inductor = fold.inductor_speedups();
  return standing;
}

struct FirstTexts {
  std::string system;
  std::string user;
};

Result<FirstTexts> FirstTextsOf(const LiveTrajectory& trajectory, const evaluator::TaskDescription& task) {
  const RefineOptions& options = trajectory.options();
  const prompts::PromptTexts& texts = trajectory.texts();
  FirstTexts first;
  if (const auto gpu = prompts::GpuLaneOf(task.environment)) {
    ASSIGN_OR_RETURN(first.system,
                     prompts::RenderSystemForGpu(texts, options.reply, options.scoring.b, *gpu, task.environment));
  } else {
    ASSIGN_OR_RETURN(first.system, prompts::RenderSystem(texts, options.reply, options.scoring.b, task.environment));
  }
  ASSIGN_OR_RETURN(first.user, prompts::RenderFirst(texts, task, options.scoring.device, options.rounds.rounds));
  // What an earlier sample reached stands behind the task.
  if (const auto& start = trajectory.fold().start()) {
    ASSIGN_OR_RETURN(std::string shown, prompts::RenderStart(texts, *start));
    first.user += "\n" + shown;
  }
  return first;
}

}  // namespace

RefineLoop::RefineLoop(TrajectoryPlan plan, const RefineOptions* options, const prompts::PromptTexts* texts,
                       LoopPorts ports, TrajectoryFold fold)
    : trajectory_(std::move(plan), options, texts, std::move(ports), std::move(fold)),
      asking_(&trajectory_),
      measuring_(&trajectory_) {}

Task<Status> RefineLoop::Run(std::stop_token stop, std::stop_token cancel, std::stop_token pause) {
  std::stop_callback stopped(stop, [this] { trajectory_.interrupt().request_stop(); });
  std::stop_callback hung_up(trajectory_.ports().hang_up, [this] { trajectory_.EndAll(); });
  std::stop_callback cancelled(cancel, [this] { trajectory_.EndAll(); });
  std::stop_callback paused(pause, [this] { trajectory_.interrupt().request_stop(); });
  auto wait_no_more = [this] { trajectory_.waiting().request_stop(); };
  std::stop_callback interrupted_too(trajectory_.interrupt().get_token(), wait_no_more);
  std::stop_callback late(trajectory_.time_is_over(), wait_no_more);
  for (;;) {
    NextStep next = trajectory_.fold().Next(trajectory_.options());
    if (next == NextStep::kDone) co_return OkStatus();
    if (stop.stop_requested()) co_return Error{ErrorCode::kCancelled, "the daemon stops"};
    bool rests = pause.stop_requested() && !cancel.stop_requested() && next != NextStep::kFinish;
    if (rests) co_return Error{ErrorCode::kCancelled, "the campaign is paused"};
    Status done = OkStatus();
    // The journal takes nothing of a trajectory before its start, and nothing needs to be ended before its end.
    bool under_way = next != NextStep::kStart && next != NextStep::kFinish;
    if (cancel.stop_requested() && under_way) {
      done = co_await CancelNow();
    } else {
      done = co_await Do(next);
    }
    bool interrupted = !done && done.error().code == ErrorCode::kCancelled;
    bool by_operator = cancel.stop_requested() && !stop.stop_requested();
    if (!done && !(interrupted && by_operator)) co_return done.error();
  }
}

Task<Status> RefineLoop::Do(NextStep step) {
  switch (step) {
    case NextStep::kStart: co_return co_await Start();
    case NextStep::kRender:
      if (trajectory_.fold().round() == 0) co_return co_await RenderFirstRound();
      co_return co_await RenderLaterRound();
    case NextStep::kAsk: co_return co_await asking_.Advance();
    case NextStep::kParse: co_return co_await Parse();
    case NextStep::kEvaluate: co_return co_await measuring_.Evaluate(Purpose::kRefine);
    case NextStep::kFeedback: co_return co_await Feedback();
    case NextStep::kFinal: co_return co_await measuring_.Evaluate(Purpose::kFinal);
    case NextStep::kBaseline: co_return co_await measuring_.Baseline();
    case NextStep::kFinish: co_return co_await Finish();
    case NextStep::kDone: break;
  }
  co_return OkStatus();
}

Task<Status> RefineLoop::Start() {
  JournalEntry entry = trajectory_.NewEntry(EventKind::kTrajectoryStarted);
  entry.event.round.reset();
  entry.event.subject = trajectory_.plan().task;
  entry.event.label = std::to_string(trajectory_.plan().sample);
  entry.event.payload = StartPayload(trajectory_.plan(), trajectory_.options());
  if (const auto& restart = trajectory_.plan().restart) {
    for (const auto& file : restart->start.files) entry.contents["start:" + file.name] = file.bytes;
  }
  co_return co_await trajectory_.Append(std::move(entry));
}

Task<Status> RefineLoop::RenderFirstRound() {
  Result<std::optional<evaluator::TaskDescription>> described = co_await measuring_.DescribeTask();
  if (!described) co_return described.error();
  if (!described.value()) co_return OkStatus();
  // The prompt is written from what is stored, so that a replay writes the same.
  std::string stored = evaluator::ToJson(*described.value());
  auto read_back = evaluator::FromJson<evaluator::TaskDescription>(stored);
  if (!read_back) co_return read_back.error();
  const evaluator::TaskDescription& task = read_back.value();
  Result<FirstTexts> texts = FirstTextsOf(trajectory_, task);
  if (!texts) {
    Error problem = texts.error();
    co_return co_await CannotRender(std::move(problem));
  }
  JournalEntry entry = trajectory_.NewEntry(EventKind::kPromptRendered);
  entry.event.round = 1;
  entry.event.payload = FirstPromptPayload(trajectory_.texts(), task.graphs.size());
  entry.contents["system"] = std::move(texts.value().system);
  entry.contents["user"] = std::move(texts.value().user);
  entry.contents["description"] = std::move(stored);
  co_return co_await trajectory_.Append(std::move(entry));
}

// What the model was told about the round before.
Task<Status> RefineLoop::RenderLaterRound() {
  JournalEntry entry = trajectory_.NewEntry(EventKind::kPromptRendered);
  entry.event.round = trajectory_.fold().round() + 1;
  entry.event.payload = LaterPromptPayload();
  entry.contents["user"] = trajectory_.fold().feedback();
  co_return co_await trajectory_.Append(std::move(entry));
}

Task<Status> RefineLoop::Parse() {
  const RefineOptions& options = trajectory_.options();
  const AttemptOutcome& reply = *trajectory_.fold().reply();
  ParsedReply parsed;
  parsed.problem = ProblemOf(reply, options.sampling.max_tokens);
  if (parsed.problem.empty()) parsed = ParseReply(reply.reply.content, options.reply);
  if (parsed.done && !trajectory_.fold().best()) {
    parsed.done = false;
    parsed.problem = "it says that it is done, and no round was scored yet";
  }
  bool ok = parsed.problem.empty() && !parsed.done;
  JournalEntry entry = trajectory_.NewEntry(EventKind::kReplyParsed);
  entry.event.subject = trajectory_.fold().reply_call_id();
  entry.event.label = parsed.done ? "done" : (ok ? "ok" : "format_error");
  entry.event.payload = ParsedPayload(parsed);
  std::vector<JournalEntry> entries;
  entries.push_back(std::move(entry));
  if (ok) {
    JournalEntry candidate = trajectory_.NewEntry(EventKind::kCandidate);
    candidate.event.subject = PassDirHash(parsed.files);
    for (auto& file : parsed.files) candidate.contents["file:" + file.name] = std::move(file.bytes);
    entries.push_back(std::move(candidate));
  }
  co_return co_await trajectory_.Append(std::move(entries));
}

Task<Status> RefineLoop::Feedback() {
  const TrajectoryFold& fold = trajectory_.fold();
  prompts::RoundStanding standing = StandingOf(fold, trajectory_.options().rounds);
  Result<std::string> text = fold.report()
                                 ? prompts::RenderFeedback(trajectory_.texts(), *fold.report(), standing)
                                 : prompts::RenderWrongFormat(trajectory_.texts(), fold.format_problem(), standing);
  if (!text) {
    Error problem = text.error();
    co_return co_await CannotRender(std::move(problem));
  }
  JournalEntry entry = trajectory_.NewEntry(EventKind::kFeedback);
  entry.contents["message"] = std::move(text).value();
  co_return co_await trajectory_.Append(std::move(entry));
}

// A text that does not fit its template is this trajectory's trouble and nobody else's.
Task<Status> RefineLoop::CannotRender(Error problem) {
  std::string label = "infra_prompt";
  std::string error = ToString(problem);
  co_return co_await trajectory_.GiveUp(std::move(label), std::move(error));
}

Task<Status> RefineLoop::Finish() {
  const TrajectoryFold& fold = trajectory_.fold();
  JournalEntry entry = trajectory_.NewEntry(EventKind::kTrajectoryFinished);
  entry.event.round.reset();
  entry.event.label = fold.Outcome();
  if (fold.final_report() && entry.event.label != "cancelled") {
    entry.event.subject = fold.best()->candidate.hash;
    entry.event.round = fold.best()->candidate.round;
    entry.event.score = fold.final_report()->aggregated_score;
  }
  entry.event.payload = ReasonPayload(fold.Reason(trajectory_.options().rounds));
  co_return co_await trajectory_.Append(std::move(entry));
}

Task<Status> RefineLoop::CancelNow() {
  std::vector<JournalEntry> entries;
  if (auto end = asking_.EndOfOpenCall()) entries.push_back(std::move(*end));
  JournalEntry action = trajectory_.NewEntry(EventKind::kOperatorAction);
  action.event.label = "cancel";
  entries.push_back(std::move(action));
  co_return co_await trajectory_.Append(std::move(entries));
}

}  // namespace passnet::agent
