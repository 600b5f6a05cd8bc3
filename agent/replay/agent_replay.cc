#include "agent/replay/agent_replay.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <stop_token>
#include <utility>

#include "agent/campaign/starting_points.h"
#include "agent/loop/refine_loop.h"
#include "base/json.h"
#include "dialects/dialect.h"

namespace passnet::agent {
namespace {

using trajectories::Event;
using trajectories::EventKind;

bool HasRef(const Event& event, const std::string& name) {
  for (const auto& ref : event.body.refs) {
    if (ref.name == name) return true;
  }
  return false;
}

// Decided by somebody else than the loop.
bool IsTaken(const Event& event) {
  switch (event.body.kind) {
    case EventKind::kOperatorAction:
    case EventKind::kBudget:
    case EventKind::kInfra:
    case EventKind::kEnvironment:
      return true;
    case EventKind::kLlmOutcome:  // before an operator's cancel, or for the budget
      return event.body.label == "cancelled";
    case EventKind::kPromptRendered:
      return event.body.round == 1 && !HasRef(event, "description");
    default:
      return false;
  }
}

// The one that the trajectory's first call was written in.
Result<const dialects::Dialect*> DialectOf(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (event.body.kind != EventKind::kLlmIntent) continue;
    ASSIGN_OR_RETURN(Json payload, ParseJsonObject(event.body.payload, "llm_intent"));
    return dialects::DialectNamed(payload["dialect"].Text());
  }
  return &dialects::OpenAiChat();
}

// What the sample started from is what the trajectory that it names has ended with. Which one that is was decided by
// what had ended then, and is taken as it is stored.
Result<std::optional<Restart>> RestartOf(trajectories::Reader& reader, const Event& started) {
  ASSIGN_OR_RETURN(Json payload, ParseJsonObject(started.body.payload, "trajectory_started"));
  const std::string from = payload["start"]["trajectory_id"].Text();
  if (from.empty()) return std::optional<Restart>();
  ASSIGN_OR_RETURN(auto state, reader.Trajectory(from));
  const bool earlier = state.campaign_id == started.body.campaign_id && state.task == started.body.subject;
  if (!earlier) return std::optional<Restart>();
  return LoadRestart(reader, state);
}

Result<TrajectoryPlan> PlanOf(const Launch& launch, const trajectories::TrajectoryState& state) {
  for (const CampaignTask& task : launch.tasks) {
    if (task.name != state.task) continue;
    TrajectoryPlan plan;
    plan.campaign_id = launch.campaign_id;
    plan.trajectory_id = state.trajectory_id;
    plan.task = task.name;
    plan.task_path = task.path;
    plan.task_hash = task.hash;
    plan.sample = state.sample;
    plan.endpoint = launch.spec.endpoint.base_url;
    return plan;
  }
  return DataCorrupt("trajectory " + state.trajectory_id + ": its campaign was not launched with task " + state.task);
}

class Replay {
 public:
  Replay(const Launch& launch, TrajectoryPlan plan, const dialects::Dialect* dialect, Tape* tape)
      : launch_(launch),
        plan_(std::move(plan)),
        options_(OptionsOfSample(launch.spec, plan_.sample)),
        tape_(*tape),
        journal_(tape),
        port_(tape),
        client_(tape, dialect) {}

  Result<TrajectoryReplay> Run() {
    TrajectoryReplay result;
    result.trajectory_id = plan_.trajectory_id;
    result.events = static_cast<int64_t>(tape_.events().size());
    while (!tape_.AtEnd()) {
      const size_t before = tape_.position();
      journal_.Forget();
      Status ran = OneLife();
      if (!journal_.failure()) return journal_.failure().error();
      result.replayed += static_cast<int64_t>(tape_.position() - before);
      if (tape_.position() > before || tape_.AtEnd()) continue;
      const Event& stored = *tape_.Peek();
      if (!IsTaken(stored)) {
        result.difference = DifferenceOf(ran, stored);
        break;
      }
      RETURN_IF_ERROR(tape_.Advance());
      ++result.taken;
    }
    result.requests = journal_.requests();
    result.finished = !tape_.events().empty() && tape_.events().back().body.kind == EventKind::kTrajectoryFinished;
    return result;
  }

 private:
  // The loop from where the tape stands until the two part.
  Status OneLife() {
    Budget budget(BudgetLimits{});
    GateTime time;
    auto gate = std::make_shared<TapeGate>(plan_.endpoint, &time, &tape_);
    LoopPorts ports;
    ports.journal = &journal_;
    ports.evaluation = &port_;
    ports.client = &client_;
    ports.gate = gate.get();
    ports.budget = &budget;
    ports.sleeper = &sleeper_;
    ports.clock = &tape_;
    ports.jitter = [] { return 0.0; };
    RefineLoop loop(plan_, &options_, &launch_.prompts, std::move(ports), tape_.fold());
    Status ended = Internal("the loop waits for something that a replay does not have");
    boost::asio::io_context context;
    boost::asio::co_spawn(context, Await(&loop, &ended), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    context.run();
    return ended;
  }

  static Task<void> Await(RefineLoop* loop, Status* ended) {
    std::stop_token never;
    *ended = co_await loop->Run(never, never);
  }

  ReplayDifference DifferenceOf(const Status& ran, const Event& stored) const {
    if (journal_.difference()) return *journal_.difference();
    const std::string kind(EventKindName(stored.body.kind));
    if (ran) return DifferenceAt(stored, "kind", kind, "nothing: the trajectory has ended");
    return DifferenceAt(stored, "kind", kind, "nothing: " + ToString(ran.error()));
  }

  const Launch& launch_;
  const TrajectoryPlan plan_;
  const RefineOptions options_;
  Tape& tape_;
  TapeJournal journal_;
  TapePort port_;
  TapeClient client_;
  NoSleep sleeper_;
};

}  // namespace

Result<TrajectoryReplay> ReplayTrajectory(trajectories::Reader& reader, const Launch& launch,
                                          const trajectories::TrajectoryState& state) {
  ASSIGN_OR_RETURN(auto events, reader.Chain(state.campaign_id, state.trajectory_id));
  ASSIGN_OR_RETURN(TrajectoryPlan plan, PlanOf(launch, state));
  if (!events.empty()) {
    ASSIGN_OR_RETURN(plan.restart, RestartOf(reader, events.front()));
  }
  ASSIGN_OR_RETURN(const dialects::Dialect* dialect, DialectOf(events));
  Tape tape(&reader, std::move(events));
  return Replay(launch, std::move(plan), dialect, &tape).Run();
}

}  // namespace passnet::agent
