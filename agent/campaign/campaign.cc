#include "agent/campaign/campaign.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <map>
#include <stop_token>
#include <utility>

#include "agent/campaign/task_group.h"
#include "agent/campaign/wall_watch.h"
#include "agent/loop/commit_failpoints.h"
#include "base/failpoint.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"

namespace passnet::agent {
namespace {

using trajectories::EventKind;

constexpr int64_t kFewestForInfraLimit = 5;  // ended trajectories: below that a share says nothing
// Ends of a trajectory's run that nobody asked for. Chosen: one is a fault that may not come again, this many are one
// that somebody must look at.
constexpr int kStrayEnds = 4;

// Empty when the lane is the one that the campaign was launched on.
std::string Difference(const std::map<std::string, std::string>& pinned,
                       const std::map<std::string, std::string>& now) {
  for (const auto& [key, value] : pinned) {
    auto found = now.find(key);
    if (found == now.end()) return key + " was " + value + " at launch and is not told now";
    if (found->second != value) return key + " was " + value + " at launch and is " + found->second + " now";
  }
  return {};
}

// The newest trajectories of earlier lives, by task and sample.
using SampleIndex = std::map<std::pair<std::string, int64_t>, StoredTrajectory*>;

SampleIndex IndexOf(std::vector<StoredTrajectory>* trajectories) {
  SampleIndex index;
  for (StoredTrajectory& one : *trajectories) {
    if (!one.superseded) index[{one.task, one.sample}] = &one;
  }
  return index;
}

// What is stored of a sample; one without an id when it has not begun.
StoredTrajectory TakeSample(SampleIndex* index, const std::string& task, int64_t sample) {
  auto known = index->find({task, sample});
  if (known != index->end()) return std::move(*known->second);
  StoredTrajectory fresh;
  fresh.task = task;
  fresh.sample = sample;
  return fresh;
}

// One more for as long as it lives.
class Counted {
 public:
  explicit Counted(int64_t* count) : count_(count) { ++*count_; }
  ~Counted() { --*count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  int64_t* const count_;
};

int64_t After(int64_t utc_us, double seconds) { return utc_us + static_cast<int64_t>(seconds * 1e6); }

}  // namespace

Campaign::Campaign(StoredCampaign stored, CampaignPorts ports)
    : stored_(std::move(stored)),
      ports_(std::move(ports)),
      budget_(stored_.launch.spec.budget),
      state_(stored_.state) {
  for (const auto& event : stored_.spending) budget_.Apply(event);
  stored_.spending.clear();
}

void Campaign::Pause(std::string reason) {
  if (pause_.stop_requested() || cancel_.stop_requested()) return;
  pause_detail_.reason = std::move(reason);
  pause_detail_.held = true;
  pause_.request_stop();
}

std::vector<SharedPart*> Campaign::parts() const {
  std::vector<SharedPart*> parts;
  if (gate_) parts.push_back(gate_.get());
  if (ports_.lanes != nullptr) parts.push_back(ports_.lanes);
  return parts;
}

Task<void> Campaign::Run(std::stop_token stop) {
  std::stop_callback stopped(stop, [this] { no_more_.request_stop(); });
  std::stop_callback cancelled(cancel_.get_token(), [this] { no_more_.request_stop(); });
  std::stop_callback paused(pause_.get_token(), [this] { no_more_.request_stop(); });
  if (cancel_.stop_requested()) {
    // Nothing is asked any more: what had begun only gets its end.
    co_await RunTrajectories(stop);
  } else {
    TaskGroup watching(co_await boost::asio::this_coro::executor, 1);
    std::stop_source ended;
    Status opened = OpenEndpoint();
    if (opened) {
      watching.Spawn(Watch(ended.get_token()));
      co_await Work(stop);
    } else {
      pause_detail_.reason = opened.error().context;
      pause_.request_stop();
    }
    // Before the end is stored: nothing may be told after it.
    ended.request_stop();
    co_await watching.Wait();
  }
  co_await End(stop);
}

Status Campaign::OpenEndpoint() {
  ASSIGN_OR_RETURN(EndpointOptions endpoint, ports_.endpoints->Open(stored_.launch.spec.endpoint));
  gate_ = ports_.gates->For(endpoint);
  ASSIGN_OR_RETURN(client_, ports_.open_endpoint(std::move(endpoint)));
  return OkStatus();
}

Task<void> Campaign::Work(std::stop_token stop) {
  Status prepared = co_await Prepare();
  // Whatever kept it from beginning: without a pause it would be told as finished.
  if (!prepared && !no_more_.stop_requested()) {
    pause_detail_.reason = prepared.error().context;
    pause_.request_stop();
  }
  // After a pause nothing has begun; after a cancel, what an earlier life began still gets its end.
  if (prepared || cancel_.stop_requested()) co_await RunTrajectories(stop);
}

// What must hold before any trajectory goes on; an error pauses the campaign.
Task<Status> Campaign::Prepare() {
  std::stop_token ends = no_more_.get_token();
  Status same = co_await CheckEnvironment(ends);
  if (!same) co_return same;
  lane_outage_.reset();
  prepared_ = true;
  co_return co_await TellHealth();
}

Task<Status> Campaign::CheckEnvironment(std::stop_token ends) {
  Nanos wait = ports_.park.first_lane_wait;
  for (bool first = true;; first = false) {
    // Nothing has begun and nothing will: no lane is needed for that.
    if (WallIsOver() && !HasBegun()) co_return OkStatus();
    auto now = co_await ports_.evaluation->Environment(ends);
    if (now) {
      std::string difference = Difference(stored_.launch.environment, now.value());
      if (difference.empty()) co_return OkStatus();
      co_return Error{ErrorCode::kUnavailable, "this lane is another one than at launch: " + difference};
    }
    if (now.error().code == ErrorCode::kCancelled) co_return now.error();
    if (!first && !lane_outage_) {
      const int64_t utc_us = ports_.clock->UtcMicros();
      const auto waits_us = std::chrono::duration_cast<std::chrono::microseconds>(wait).count();
      lane_outage_ = Outage{"lane", now.error().context, utc_us, utc_us + waits_us};
      Status told = co_await TellHealth();
      if (!told) co_return told;
    }
    Deadline until = Deadline::After(wait, *ports_.clock);
    bool rested = co_await ports_.sleeper->SleepUntil(until, ends);
    if (!rested) co_return Error{ErrorCode::kCancelled, "cancelled while the lane does not start"};
    wait = std::min(2 * wait, ports_.park.longest_lane_wait);
  }
}

Task<void> Campaign::Watch(std::stop_token stop) {
  auto tell = [this](std::optional<Outage> outage) { return TakeOutage(std::move(outage)); };
  ParkWatch watch(parts(), ports_.park, ports_.sleeper, ports_.clock, tell);
  Status watched = co_await watch.Run(stop);
  if (watched || watched.error().code == ErrorCode::kCancelled) co_return;
  log::Err("agent", "campaign state could not be stored", {{"campaign_id", id()}, {"error", watched.error().context}});
}

// Empty: all that is shared works again.
Task<Status> Campaign::TakeOutage(std::optional<Outage> outage) {
  parts_outage_ = std::move(outage);
  co_return co_await TellHealth();
}

// Parked or running. The first look at the lane and the watch both come here, one after the other, and what is stored
// is what holds when it is: what was seen first is never told last.
Task<Status> Campaign::TellHealth() {
  std::stop_token never;
  while (tells_) co_await told_.Wait(never);
  const std::optional<Outage> outage = parts_outage_ ? parts_outage_ : lane_outage_;
  const bool news = outage ? state_ != "parked" || outage != told_outage_ : prepared_ && state_ != "running";
  if (!news) co_return OkStatus();
  told_outage_ = outage;
  std::string state = outage ? "parked" : "running";
  StateDetail detail;
  if (outage) {
    detail.reason = outage->reason;
    detail.what = outage->what;
    detail.next_try_utc_us = outage->next_try_utc_us;
  }
  tells_ = true;
  Status stored = co_await SetState(std::move(state), std::move(detail));
  tells_ = false;
  told_.NotifyAll();
  co_return stored;
}

Task<void> Campaign::RunTrajectories(std::stop_token stop) {
  TaskGroup group(co_await boost::asio::this_coro::executor, stored_.launch.spec.concurrency);
  SampleIndex known = IndexOf(&stored_.trajectories);
  for (const StoredTrajectory& trajectory : stored_.trajectories) solved_[trajectory.task] += trajectory.solved;
  for (size_t task = 0; task < stored_.launch.tasks.size(); ++task) turns_.push_back({task, 1});
  while (!turns_.empty() || group.running() > 0) {
    if (stop.stop_requested() || pause_.stop_requested()) break;
    if (turns_.empty() || group.full()) {
      co_await group.WaitForAnEnd();
      continue;
    }
    const Turn turn = turns_.front();
    turns_.pop_front();
    StoredTrajectory stored = TakeSample(&known, NameOf(turn), turn.sample);
    const bool begun = !stored.trajectory_id.empty();
    // After a cancel, what had begun still gets its end; what had not is not begun.
    const bool plays = begun ? !stored.finished : !no_more_.stop_requested() && MayBegin(NameOf(turn));
    if (plays && !begun) {
      stored.trajectory_id = NewId("t");
      stored.started_at_utc_us = ports_.clock->UtcMicros();
    }
    if (plays) group.Spawn(RunTrajectory(turn, std::move(stored), stop));
    // The next one may start from what this one comes to.
    if (!plays || !StartsFromBest()) LineUpAfter(turn);
  }
  co_await group.Wait();
}

void Campaign::LineUpAfter(Turn turn) {
  if (++turn.sample <= stored_.launch.spec.samples) turns_.push_back(turn);
}

bool Campaign::MayBegin(const std::string& task) const {
  if (WallIsOver()) return false;
  const int64_t enough = stored_.launch.spec.stop_after_solved;
  auto solved = solved_.find(task);
  return enough == 0 || solved == solved_.end() || solved->second < enough;
}

bool Campaign::HasBegun() const {
  return std::any_of(stored_.trajectories.begin(), stored_.trajectories.end(),
                     [](const StoredTrajectory& one) { return !one.finished; });
}

bool Campaign::WallIsOver() const {
  const auto& wall_s = stored_.launch.spec.wall_s;
  return wall_s && ports_.clock->UtcMicros() >= After(stored_.launched_at_utc_us, *wall_s);
}

std::optional<WallLimit> Campaign::WallLimitOf(const StoredTrajectory& stored) const {
  std::optional<WallLimit> limit;
  const CampaignSpec& spec = stored_.launch.spec;
  if (auto wall_s = spec.refine.budget.wall_s) {
    limit = WallLimit{After(stored.started_at_utc_us, *wall_s), "budget.trajectory_wall_s"};
  }
  if (auto wall_s = spec.wall_s) {
    WallLimit whole{After(stored_.launched_at_utc_us, *wall_s), "budget.wall_s"};
    if (!limit || whole.until_utc_us < limit->until_utc_us) limit = std::move(whole);
  }
  return limit;
}

Task<void> Campaign::RunTrajectory(Turn turn, StoredTrajectory stored, std::stop_token stop) {
  const Counted counted(&under_way_);
  const std::string trajectory_id = stored.trajectory_id;
  std::stop_source time_is_over;
  std::stop_source ended;
  TrajectoryPlan plan = PlanOf(turn, stored, time_is_over.get_token());
  TaskGroup watching(co_await boost::asio::this_coro::executor, 1);
  if (plan.wall) {
    watching.Spawn(
        WatchWall(plan.wall->until_utc_us, time_is_over, ports_.sleeper, ports_.clock, ended.get_token()));
  }
  const RefineOptions options = OptionsOfSample(stored_.launch.spec, turn.sample);
  RefineLoop loop(std::move(plan), &options, &stored_.launch.prompts, PortsOfLoop(), std::move(stored.fold));
  std::string driven = trajectory_id;
  Status end = co_await Drive(&loop, std::move(driven), stop);
  ended.request_stop();
  co_await watching.Wait();
  if (end) {
    TakeEnd(turn, trajectory_id, loop.fold());
  } else if (end.error().code != ErrorCode::kCancelled) {
    StopFor(trajectory_id, end.error());
  }
  if (StartsFromBest()) LineUpAfter(turn);
}

// Until it has ended, or rests: for the daemon's end or a pause, after which what is stored of it goes on. Any other
// end is a fault of ours, and may not leave it without one.
Task<Status> Campaign::Drive(RefineLoop* loop, std::string trajectory_id, std::stop_token stop) {
  const std::stop_token cancel = cancel_.get_token();
  const std::stop_token pause = pause_.get_token();
  std::stop_token rests = no_more_.get_token();
  Nanos wait = ports_.park.after_stray_end;
  for (int strays = 1;; ++strays) {
    Status end = co_await loop->Run(stop, cancel, pause);
    const bool stray = !end && end.error().code == ErrorCode::kCancelled;
    if (!stray || stop.stop_requested() || pause.stop_requested()) co_return end;
    log::Err("agent", "a trajectory stopped and nobody had asked for it",
             {{"trajectory_id", trajectory_id}, {"error", end.error().context}});
    if (strays == kStrayEnds) co_return Internal("it was stopped and nobody had asked for it: " + end.error().context);
    Deadline until = Deadline::After(wait, *ports_.clock);
    co_await ports_.sleeper->SleepUntil(until, rests);
    wait *= 2;
  }
}

TrajectoryPlan Campaign::PlanOf(Turn turn, const StoredTrajectory& stored, std::stop_token time_is_over) const {
  const CampaignTask& task = stored_.launch.tasks[turn.task];
  TrajectoryPlan plan;
  plan.campaign_id = id();
  plan.trajectory_id = stored.trajectory_id;
  plan.task = task.name;
  plan.task_path = task.path;
  plan.task_hash = task.hash;
  plan.sample = turn.sample;
  plan.wall = WallLimitOf(stored);
  if (plan.wall) plan.wall->over = std::move(time_is_over);
  if (StartsFromBest()) plan.restart = stored_.starting_points.Of(task.name);
  plan.endpoint = stored_.launch.spec.endpoint.base_url;
  plan.priority = stored_.launch.spec.priority;
  return plan;
}

LoopPorts Campaign::PortsOfLoop() {
  LoopPorts ports;
  ports.journal = ports_.journal;
  ports.evaluation = ports_.evaluation;
  ports.client = client_.get();
  ports.gate = gate_.get();
  ports.budget = &budget_;
  ports.sleeper = ports_.sleeper;
  ports.clock = ports_.clock;
  ports.jitter = ports_.jitter;
  ports.hang_up = ports_.hang_up;
  return ports;
}

void Campaign::TakeEnd(Turn turn, const std::string& trajectory_id, const TrajectoryFold& fold) {
  const std::string outcome = fold.Outcome();
  log::Info("agent", "trajectory finished", {{"trajectory_id", trajectory_id}, {"outcome", outcome}});
  ++ended_;
  if (outcome == "infra") ++ended_infra_;
  if (outcome == "solved") ++solved_[NameOf(turn)];
  auto restart = StartsFromBest() ? RestartFrom(trajectory_id, fold) : std::nullopt;
  if (restart) stored_.starting_points.Keep(NameOf(turn), std::move(*restart));
  const double limit = stored_.launch.spec.infra_limit_percent;
  const double percent = 100.0 * static_cast<double>(ended_infra_) / static_cast<double>(ended_);
  if (ended_ < kFewestForInfraLimit || percent <= limit) return;
  Pause(std::to_string(ended_infra_) + " of " + std::to_string(ended_) +
        " trajectories ended for failures on our side, more than infra_limit_percent allows; put right what the report "
        "names, then `passnet campaign retry --infra` or `resume`");
}

// A broken journal, or a fault of ours: the campaign rests where it is, with the reason, as far as that can be stored.
void Campaign::StopFor(const std::string& trajectory_id, const Error& error) {
  log::Err("agent", "a trajectory cannot go on", {{"trajectory_id", trajectory_id}, {"error", error.context}});
  trajectory_failed_ = true;
  if (pause_.stop_requested()) return;
  pause_detail_.reason = "trajectory " + trajectory_id + " cannot go on: " + ToString(error);
  pause_.request_stop();
}

Task<void> Campaign::End(std::stop_token stop) {
  if (stop.stop_requested()) co_return;
  PASSNET_FAILPOINT("campaign.before_end");
  std::string state = "finished";
  StateDetail detail;
  // A cancel that found it pausing gets its trajectories' ends from another start (CampaignManager::RunCampaign).
  if (pause_.stop_requested()) {
    state = "paused";
    detail = pause_detail_;
  } else if (cancel_.stop_requested()) {
    state = "cancelled";
  }
  Status ended = co_await SetState(std::move(state), std::move(detail));
  if (ended) co_return;
  log::Err("agent", "the campaign's end could not be stored",
           {{"campaign_id", id()}, {"error", ended.error().context}});
}

Task<Status> Campaign::SetState(std::string state, StateDetail detail) {
  JournalEntry entry;
  entry.event.campaign_id = id();
  entry.event.kind = EventKind::kCampaignState;
  entry.event.label = state;
  entry.event.subject = detail.what;
  Json payload = {{"reason", detail.reason}};
  if (!detail.what.empty()) payload.Set("what", detail.what);
  if (detail.next_try_utc_us > 0) payload.Set("next_try", FormatUtc(detail.next_try_utc_us));
  if (detail.held) payload.Set("held", true);
  entry.event.payload = payload.Dump();
  auto entries = std::make_shared<std::vector<JournalEntry>>();
  entries->push_back(std::move(entry));
  Status written = co_await ports_.journal->Append(std::move(entries), ports_.hang_up);
  if (!written) co_return written;
  FailpointAfter(EventKind::kCampaignState);
  state_ = state;
  log::Info("agent", "campaign state",
            {{"campaign_id", id()}, {"state", state}, {"reason", detail.reason}, {"what", detail.what}});
  co_return written;
}

}  // namespace passnet::agent
