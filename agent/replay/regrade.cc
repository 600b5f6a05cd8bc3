#include "agent/replay/regrade.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "agent/campaign/launch.h"
#include "base/ids.h"
#include "base/sha256.h"
#include "evaluator/api/json.h"
#include "evaluator/api/pass_dir.h"
#include "passbench/task.h"

namespace passnet::agent {
namespace {

using evaluator::EvaluateRequest;
using evaluator::EvaluationReport;
using evaluator::GraphReport;
using trajectories::Event;
using trajectories::EventKind;

constexpr std::string_view kFilePrefix = "file:";

// A task's files on the disk for as long as it lives.
class TaskFolder {
 public:
  static Result<TaskFolder> Write(const std::string& task, const std::map<std::string, std::string>& files) {
    std::error_code failed;
    std::string root = (std::filesystem::temp_directory_path(failed) / "passnet-regrade-XXXXXX").native();
    if (failed || ::mkdtemp(root.data()) == nullptr) return Error::FromErrno("mkdtemp", root, errno);
    TaskFolder folder(root);
    // Reports name the task by its folder.
    const bool plain = !task.empty() && task.front() != '.' && task.find('/') == std::string::npos;
    folder.path_ = root + "/" + (plain ? task : "task");
    RETURN_IF_ERROR(passbench::WriteTaskFiles(folder.path_, files));
    return folder;
  }
  TaskFolder(TaskFolder&& other) noexcept
      : root_(std::exchange(other.root_, std::string())), path_(std::move(other.path_)) {}
  TaskFolder& operator=(TaskFolder&&) = delete;
  ~TaskFolder() {
    std::error_code failed;
    if (!root_.empty()) std::filesystem::remove_all(root_, failed);
  }
  const std::string& path() const { return path_; }

 private:
  explicit TaskFolder(std::string root) : root_(std::move(root)) {}
  std::string root_;
  std::string path_;
};

// The stored events that a grade stands on.
struct Evidence {
  const Event* candidate = nullptr;
  const Event* intent = nullptr;
  const Event* report = nullptr;
};

Result<Evidence> FindEvidence(const std::vector<Event>& events, const StoredGrade& grade) {
  Evidence evidence;
  for (const Event& event : events) {
    if (event.body.kind == EventKind::kCandidate && event.body.round == grade.round) evidence.candidate = &event;
    if (event.body.subject != grade.evaluation_id) continue;
    if (event.body.kind == EventKind::kEvaluationIntent) evidence.intent = &event;
    if (event.body.kind == EventKind::kEvaluationReport) evidence.report = &event;
  }
  if (evidence.candidate != nullptr && evidence.intent != nullptr && evidence.report != nullptr) return evidence;
  return DataCorrupt("candidate, intent or report of evaluation " + grade.evaluation_id + " is not in the journal");
}

Status CheckEvent(const Event& event) {
  const bool holds = HashOf(event) == event.hash && Sha256Of(event.body.payload) == event.payload_sha256;
  if (holds) return OkStatus();
  return DataCorrupt("event row " + std::to_string(event.row_id) + " does not have the hash that was written with it");
}

Result<std::vector<evaluator::CandidateFile>> FilesOf(trajectories::Reader& reader, const Event& candidate) {
  std::vector<evaluator::CandidateFile> files;
  for (const auto& ref : candidate.body.refs) {
    if (!ref.name.starts_with(kFilePrefix)) continue;
    ASSIGN_OR_RETURN(std::string bytes, reader.Content(ref.sha256));
    files.push_back({ref.name.substr(kFilePrefix.size()), std::move(bytes)});
  }
  const std::string hash = evaluator::PassDirHash(files);
  if (hash == candidate.body.subject) return files;
  return DataCorrupt("the candidate's files hash to " + hash + ", stored as " + candidate.body.subject);
}

EvaluateRequest RequestOf(const ScoringOptions& scoring, const StoredGrade& grade) {
  const bool last = grade.purpose == "final";
  EvaluateRequest request;
  request.evaluation_id = NewId("regrade");
  request.purpose = "regrade";
  request.profile = last ? scoring.final_profile : scoring.refine_profile;
  request.time_cap = std::chrono::milliseconds(last ? scoring.final_time_cap_ms : scoring.refine_time_cap_ms);
  request.call_path = scoring.call_path;
  request.matching = scoring.matching;
  request.p = scoring.p;
  request.b = scoring.b;
  request.device = scoring.device;
  return request;
}

// Another verdict or status, or measured only once. Empty when both say the same of the graph but for its speed-up.
std::string DifferenceOf(const GraphReport& stored, const GraphReport& now) {
  if (stored.verdict != now.verdict || stored.status != now.status) {
    return stored.path + ": " + VerdictName(stored.verdict) + "/" + GraphStatusName(stored.status) + " is now " +
           VerdictName(now.verdict) + "/" + GraphStatusName(now.status);
  }
  return stored.speedup_call.has_value() == now.speedup_call.has_value() ? "" : stored.path + ": measured only once";
}

// Empty when the speed-ups agree, or neither has one.
std::string MoveOf(const GraphReport& stored, const GraphReport& now, std::optional<double>* largest) {
  if (!stored.speedup_call || !now.speedup_call) return {};
  const double noise = stored.noise.value_or(0) + now.noise.value_or(0);
  *largest = std::max(largest->value_or(0), noise);
  if (std::abs(*now.speedup_call / *stored.speedup_call - 1) <= noise) return {};
  return stored.path + ": speed-up " + std::to_string(*stored.speedup_call) + " is now " +
         std::to_string(*now.speedup_call) + ", outside the noise of " + std::to_string(100 * noise) + " %";
}

void Compare(const EvaluationReport& stored, const EvaluationReport& now, Regraded* result) {
  result->new_verdict = VerdictName(now.verdict);
  result->new_score = now.aggregated_score;
  for (const auto& [name, text] : stored.environment) result->environment[name].first = text;
  for (const auto& [name, text] : now.environment) result->environment[name].second = text;
  std::erase_if(result->environment, [](const auto& fact) { return fact.second.first == fact.second.second; });
  result->state = RegradeState::kDiffers;
  if (stored.verdict != now.verdict) {
    result->reason = std::string("verdict ") + VerdictName(stored.verdict) + " is now " + VerdictName(now.verdict);
    if (!now.reason.empty()) result->reason += ": " + now.reason;
    return;
  }
  std::map<std::string, const GraphReport*> graphs;
  for (const GraphReport& graph : now.graphs) graphs[graph.path] = &graph;
  if (graphs.size() != stored.graphs.size()) {
    result->reason = std::to_string(stored.graphs.size()) + " graphs are now " + std::to_string(graphs.size());
    return;
  }
  for (const GraphReport& graph : stored.graphs) {
    auto found = graphs.find(graph.path);
    std::string difference = found == graphs.end() ? graph.path + " is not measured any more"
                                                   : DifferenceOf(graph, *found->second);
    ++result->graphs;
    if (difference.empty()) {
      difference = MoveOf(graph, *found->second, &result->noise);
      if (difference.empty()) continue;
      result->moved[graph.path] = difference;
    }
    ++result->graphs_that_differ;
    if (result->reason.empty()) result->reason = difference;
  }
  if (result->graphs_that_differ == 0) result->state = RegradeState::kAgrees;
}

// Everything that is stored, checked; what must not run is an error.
Result<EvaluateRequest> Prepare(trajectories::Reader& reader, const StoredGrade& grade, const Evidence& evidence,
                                const Launch& launch) {
  for (const Event* event : {evidence.candidate, evidence.intent, evidence.report}) RETURN_IF_ERROR(CheckEvent(*event));
  EvaluateRequest request = RequestOf(launch.spec.refine.scoring, grade);
  ASSIGN_OR_RETURN(request.files, FilesOf(reader, *evidence.candidate));
  for (const CampaignTask& task : launch.tasks) {
    if (task.name == grade.task) request.task.hash = task.hash;
  }
  if (!request.task.hash.empty()) return request;
  return DataCorrupt("the campaign was not launched with task " + grade.task);
}

// The task's files with the hash of the launch, in a folder of their own.
Result<TaskFolder> WriteTask(trajectories::Reader& reader, const StoredGrade& grade, const std::string& hash) {
  ASSIGN_OR_RETURN(auto files, LoadTaskFiles(reader, grade.campaign_id, grade.task));
  ASSIGN_OR_RETURN(TaskFolder folder, TaskFolder::Write(grade.task, files));
  auto task = passbench::LoadTask(folder.path());
  if (!task) return DataCorrupt("the stored files of task " + grade.task + ": " + task.error().context);
  if (passbench::TaskHash(task.value()) == hash) return folder;
  return DataCorrupt("the stored files of task " + grade.task + " do not have the hash of the launch");
}

bool DiffersBySpeedAlone(const Regraded& result) {
  return !result.moved.empty() && result.graphs_that_differ == static_cast<int64_t>(result.moved.size());
}

Regraded Without(Regraded result, const Error& error) {
  result.state = IsDamage(error) && error.code != ErrorCode::kNotFound ? RegradeState::kRefused
                                                                      : RegradeState::kNotMeasured;
  result.reason = error.context;
  return result;
}

Status AddGrades(trajectories::Reader& reader, const trajectories::TrajectoryState& state, bool all_rounds,
                 std::vector<StoredGrade>* grades) {
  ASSIGN_OR_RETURN(auto events, reader.Chain(state.campaign_id, state.trajectory_id));
  std::map<std::string, std::string> purposes;
  for (const Event& event : events) {
    const auto& body = event.body;
    if (body.kind == EventKind::kEvaluationIntent) purposes[body.subject] = body.label;
    if (body.kind != EventKind::kEvaluationReport) continue;
    const std::string& purpose = purposes[body.subject];
    if (purpose != "final" && !all_rounds) continue;
    grades->push_back({state.campaign_id, state.trajectory_id, state.task, body.round.value_or(0), purpose,
                       body.subject});
  }
  return OkStatus();
}

// About evenly spread, the first one among them.
std::vector<StoredGrade> Sampled(std::vector<StoredGrade> grades, int64_t sample) {
  const auto wanted = static_cast<size_t>(sample);
  if (wanted == 0 || wanted >= grades.size()) return grades;
  std::vector<StoredGrade> some;
  for (size_t i = 0; i < wanted; ++i) some.push_back(std::move(grades[i * grades.size() / wanted]));
  return some;
}

}  // namespace

const char* RegradeStateName(RegradeState state) {
  switch (state) {
    case RegradeState::kAgrees: return "agrees";
    case RegradeState::kDiffers: return "differs";
    case RegradeState::kRefused: return "refused";
    case RegradeState::kNotMeasured: return "not measured";
  }
  return "not measured";
}

Result<std::vector<StoredGrade>> SelectGrades(trajectories::Reader& reader, const RegradeSelection& selection) {
  std::vector<StoredGrade> grades;
  if (!selection.trajectory_id.empty()) {
    ASSIGN_OR_RETURN(auto state, reader.Trajectory(selection.trajectory_id));
    RETURN_IF_ERROR(AddGrades(reader, state, selection.all_rounds, &grades));
    return Sampled(std::move(grades), selection.sample);
  }
  std::vector<trajectories::CampaignState> campaigns;
  if (selection.campaign_id.empty()) {
    ASSIGN_OR_RETURN(campaigns, AllCampaigns(reader));
  } else {
    ASSIGN_OR_RETURN(campaigns.emplace_back(), reader.Campaign(selection.campaign_id));
  }
  for (const auto& campaign : campaigns) {
    ASSIGN_OR_RETURN(auto trajectories, AllTrajectories(reader, campaign.campaign_id));
    for (const auto& one : trajectories) RETURN_IF_ERROR(AddGrades(reader, one, selection.all_rounds, &grades));
  }
  return Sampled(std::move(grades), selection.sample);
}

// The launch has the task's hash, and the task's own event its files.
Status CheckTaskEvents(trajectories::Reader& reader, const StoredGrade& grade) {
  ASSIGN_OR_RETURN(auto chain, reader.Chain(grade.campaign_id, ""));
  for (const Event& event : chain) {
    const bool stands_on = event.body.kind == EventKind::kCampaignLaunched ||
                           (event.body.kind == EventKind::kCampaignTask && event.body.subject == grade.task);
    if (stands_on) RETURN_IF_ERROR(CheckEvent(event));
  }
  return OkStatus();
}

Result<Regraded> Regrade(trajectories::Reader& reader, const StoredGrade& grade, const EvaluateFn& evaluate) {
  Regraded result;
  result.grade = grade;
  if (Status held = CheckTaskEvents(reader, grade); !held) return Without(std::move(result), held.error());
  ASSIGN_OR_RETURN(Launch launch, LoadLaunch(reader, grade.campaign_id));
  ASSIGN_OR_RETURN(auto events, reader.Chain(grade.campaign_id, grade.trajectory_id));
  auto evidence = FindEvidence(events, grade);
  if (!evidence) return Without(std::move(result), evidence.error());
  result.verdict = evidence.value().report->body.label;
  result.score = evidence.value().report->body.score;
  auto request = Prepare(reader, grade, evidence.value(), launch);
  if (!request) return Without(std::move(result), request.error());
  auto stored = evaluator::EvaluationReportFromJson(evidence.value().report->body.payload);
  if (!stored) return Without(std::move(result), stored.error());
  auto folder = WriteTask(reader, grade, request.value().task.hash);
  if (!folder) return Without(std::move(result), folder.error());
  request.value().task.path = folder.value().path();
  auto now = evaluate(request.value());
  if (!now && now.error().code == ErrorCode::kCancelled) return now.error();
  if (!now || now.value().verdict == evaluator::Verdict::kInfra) {
    result.reason = now ? now.value().reason : now.error().context;
    return result;
  }
  Compare(stored.value(), now.value(), &result);
  return result;
}

bool WantsSecondLook(const Regraded& first) { return !first.looked_again && DiffersBySpeedAlone(first); }

Result<Regraded> LookAgain(trajectories::Reader& reader, const Regraded& first, const EvaluateFn& evaluate) {
  ASSIGN_OR_RETURN(Regraded second, Regrade(reader, first.grade, evaluate));
  if (second.state == RegradeState::kRefused || second.state == RegradeState::kNotMeasured) return first;
  second.looked_again = true;
  if (!DiffersBySpeedAlone(second)) return second;
  std::erase_if(second.moved, [&](const auto& graph) { return !first.moved.contains(graph.first); });
  second.graphs_that_differ = static_cast<int64_t>(second.moved.size());
  second.state = second.moved.empty() ? RegradeState::kAgrees : RegradeState::kDiffers;
  second.reason = second.moved.empty() ? "" : second.moved.begin()->second;
  return second;
}

}  // namespace passnet::agent
