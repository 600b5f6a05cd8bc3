#include "agent/campaign/campaign.h"

#include <boost/asio/this_coro.hpp>
#include <stop_token>
#include <utility>

#include "agent/campaign/task_group.h"
#include "agent/loop/commit_failpoints.h"
#include "base/failpoint.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"

namespace passnet::agent {
namespace {

using trajectories::EventKind;

constexpr int kEnvironmentAttempts = 3;  // chosen: a lane that does not start three times needs an operator
constexpr Nanos kEnvironmentWait = std::chrono::seconds(5);

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

// The trajectories of earlier lives, by task and sample.
using SampleIndex = std::map<std::pair<std::string, int64_t>, StoredTrajectory*>;

SampleIndex IndexOf(std::vector<StoredTrajectory>* trajectories) {
  SampleIndex index;
  for (StoredTrajectory& one : *trajectories) index[{one.task, one.sample}] = &one;
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

int64_t After(int64_t utc_us, double seconds) { return utc_us + static_cast<int64_t>(seconds * 1e6); }

}  // namespace

Campaign::Campaign(StoredCampaign stored, CampaignPorts ports)
    : stored_(std::move(stored)), ports_(std::move(ports)), budget_(stored_.launch.spec.budget) {
  for (const auto& event : stored_.spending) budget_.Apply(event);
  stored_.spending.clear();
}

Task<void> Campaign::Run(std::stop_token stop) {
  Status prepared = co_await Prepare(stop);
  if (!prepared) {
    if (prepared.error().code == ErrorCode::kCancelled) co_return;
    std::string state = "paused";
    Status told = co_await SetState(std::move(state), prepared.error().context, stop);
    if (!told) log::Err("agent", "campaign state could not be stored", {{"campaign_id", id()}});
    co_return;
  }
  co_await RunTrajectories(stop);
  if (!journal_failure_.empty()) {
    log::Err("agent", "campaign stopped: the journal is broken", {{"campaign_id", id()}, {"error", journal_failure_}});
    co_return;
  }
  if (stop.stop_requested()) co_return;
  PASSNET_FAILPOINT("campaign.before_end");
  std::string reason = endpoint_failure_;
  Status ended = co_await SetState(EndState(), std::move(reason), stop);
  if (!ended) log::Err("agent", "the campaign's end could not be stored", {{"campaign_id", id()}});
}

// What must hold before any trajectory goes on; an error pauses the campaign until the daemon starts again.
Task<Status> Campaign::Prepare(std::stop_token stop) {
  Result<EndpointOptions> endpoint = ports_.endpoints->Open(stored_.launch.spec.endpoint);
  if (!endpoint) co_return endpoint.error();
  limiter_ = ports_.limiters->For(endpoint.value().base_url, endpoint.value().api_key);
  Result<std::unique_ptr<LlmClient>> client = ports_.open_endpoint(std::move(endpoint).value());
  if (!client) co_return client.error();
  client_ = std::move(client).value();
  Status same = co_await CheckEnvironment(stop);
  if (!same || stored_.state == "running") co_return same;
  std::string state = "running";
  std::string reason;
  co_return co_await SetState(std::move(state), std::move(reason), stop);
}

Task<Status> Campaign::CheckEnvironment(std::stop_token stop) {
  for (int attempt = 1;; ++attempt) {
    auto now = co_await ports_.evaluation->Environment(stop);
    if (now) {
      std::string difference = Difference(stored_.launch.environment, now.value());
      if (difference.empty()) co_return OkStatus();
      co_return Error{ErrorCode::kUnavailable, "this lane is another one than at launch: " + difference};
    }
    if (now.error().code == ErrorCode::kCancelled || attempt == kEnvironmentAttempts) co_return now.error();
    Deadline until = Deadline::After(kEnvironmentWait, *ports_.clock);
    co_await ports_.sleeper->SleepUntil(until, stop);
  }
}

Task<void> Campaign::RunTrajectories(std::stop_token stop) {
  std::stop_source no_more;
  std::stop_callback stopped(stop, [&no_more] { no_more.request_stop(); });
  std::stop_callback cancelled(cancel_.get_token(), [&no_more] { no_more.request_stop(); });
  TaskGroup group(co_await boost::asio::this_coro::executor, stored_.launch.spec.concurrency);
  const std::vector<CampaignTask>& tasks = stored_.launch.tasks;
  SampleIndex known = IndexOf(&stored_.trajectories);
  for (const StoredTrajectory& trajectory : stored_.trajectories) solved_[trajectory.task] += trajectory.solved;
  const size_t samples = tasks.size() * static_cast<size_t>(stored_.launch.spec.samples);
  for (size_t i = 0; i < samples; ++i) {
    CampaignTask task = tasks[i % tasks.size()];
    StoredTrajectory stored = TakeSample(&known, task.name, static_cast<int64_t>(i / tasks.size()) + 1);
    if (stored.finished) continue;
    bool begun = !stored.trajectory_id.empty();
    // After a cancel, what had begun still gets its end; what had not is not begun.
    std::stop_token waiting = begun ? stop : no_more.get_token();
    bool place = co_await group.WaitForPlace(waiting);
    if (!place || !journal_failure_.empty()) break;
    if (!begun && (no_more.stop_requested() || !MayBegin(task.name))) continue;
    if (!begun) {
      stored.trajectory_id = NewId("t");
      stored.started_at_utc_us = ports_.clock->UtcMicros();
    }
    group.Spawn(RunTrajectory(std::move(task), std::move(stored), stop));
  }
  co_await group.Wait();
}

bool Campaign::MayBegin(const std::string& task) const {
  if (!endpoint_failure_.empty() || WallIsOver()) return false;
  const int64_t enough = stored_.launch.spec.stop_after_solved;
  auto solved = solved_.find(task);
  return enough == 0 || solved == solved_.end() || solved->second < enough;
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

Task<void> Campaign::RunTrajectory(CampaignTask task, StoredTrajectory stored, std::stop_token stop) {
  TrajectoryPlan plan;
  plan.campaign_id = id();
  plan.trajectory_id = stored.trajectory_id;
  plan.task = task.name;
  plan.task_path = task.path;
  plan.task_hash = task.hash;
  plan.sample = stored.sample;
  plan.wall = WallLimitOf(stored);
  plan.endpoint = stored_.launch.spec.endpoint.base_url;
  LoopPorts ports;
  ports.journal = ports_.journal;
  ports.evaluation = ports_.evaluation;
  ports.client = client_.get();
  ports.limiter = limiter_.get();
  ports.budget = &budget_;
  ports.sleeper = ports_.sleeper;
  ports.clock = ports_.clock;
  ports.jitter = ports_.jitter;
  const RefineOptions options = OptionsOfSample(stored_.launch.spec, stored.sample);
  RefineLoop loop(std::move(plan), &options, &stored_.launch.prompts, std::move(ports),
                  std::move(stored.fold));
  std::stop_token cancel = cancel_.get_token();
  Status ended = co_await loop.Run(stop, cancel);
  if (!ended && ended.error().code != ErrorCode::kCancelled) {
    journal_failure_ = ended.error().context;
    log::Err("agent", "a trajectory stopped", {{"trajectory_id", stored.trajectory_id}, {"error", journal_failure_}});
  }
  if (ended) solved_[task.name] += loop.fold().Outcome() == "solved";
  if (auto failure = loop.fold().endpoint_failure()) {
    endpoint_failure_ = "the endpoint refuses every call: " + std::string(dialects::OutcomeClassName(*failure));
  }
}

std::string Campaign::EndState() const {
  if (cancel_.stop_requested()) return "cancelled";
  return endpoint_failure_.empty() ? "finished" : "failed";
}

Task<Status> Campaign::SetState(std::string state, std::string reason, std::stop_token stop) {
  JournalEntry entry;
  entry.event.campaign_id = id();
  entry.event.kind = EventKind::kCampaignState;
  entry.event.label = state;
  entry.event.payload = Json({{"reason", reason}}).Dump();
  auto entries = std::make_shared<std::vector<JournalEntry>>();
  entries->push_back(std::move(entry));
  Status written = co_await ports_.journal->Append(std::move(entries), stop);
  if (written) FailpointAfter(EventKind::kCampaignState);
  log::Info("agent", "campaign state", {{"campaign_id", id()}, {"state", state}, {"reason", reason}});
  co_return written;
}

}  // namespace passnet::agent
