#include "agent/campaign/starting_points.h"

#include <string_view>
#include <utility>

namespace passnet::agent {
namespace {

using trajectories::EventKind;

constexpr std::string_view kFileRef = "file:";

}  // namespace

void StartingPoints::Keep(const std::string& task, Restart found) {
  size_t bytes = 0;
  for (const auto& file : found.start.files) bytes += file.bytes.size();
  if (bytes <= kMaxStartBytes && IsBetter(task, found.start.score)) best_[task] = std::move(found);
}

bool StartingPoints::IsBetter(const std::string& task, double score) const {
  auto known = best_.find(task);
  return known == best_.end() || score > known->second.start.score;
}

std::optional<Restart> StartingPoints::Of(const std::string& task) const {
  auto known = best_.find(task);
  return known == best_.end() ? std::nullopt : std::optional<Restart>(known->second);
}

std::optional<Restart> RestartFrom(const std::string& trajectory_id, const TrajectoryFold& ended) {
  const auto& report = ended.final_report();
  const bool correct = report && report->verdict == evaluator::Verdict::kOk && report->aggregated_score;
  if (!correct) return std::nullopt;
  Restart found;
  found.trajectory_id = trajectory_id;
  found.start = {evaluator::VerdictName(report->verdict), *report->aggregated_score, ended.best()->candidate.files};
  return found;
}

Result<std::optional<Restart>> LoadRestart(trajectories::Reader& reader, const trajectories::TrajectoryState& ended) {
  std::optional<Restart> found;
  if (!ended.final_score) return found;
  ASSIGN_OR_RETURN(auto events, reader.Chain(ended.campaign_id, ended.trajectory_id));
  std::string final_id;
  std::string verdict;
  const trajectories::Event* winner = nullptr;
  for (const trajectories::Event& event : events) {
    const auto& body = event.body;
    if (body.kind == EventKind::kEvaluationIntent && body.label == "final") final_id = body.subject;
    if (body.kind == EventKind::kEvaluationReport && body.subject == final_id) verdict = body.label;
    if (body.kind == EventKind::kCandidate && body.subject == ended.final_subject) winner = &event;
  }
  if (winner == nullptr || verdict != evaluator::VerdictName(evaluator::Verdict::kOk)) return found;
  found.emplace();
  found->trajectory_id = ended.trajectory_id;
  found->start = {verdict, *ended.final_score, {}};
  for (const auto& ref : winner->body.refs) {
    if (!ref.name.starts_with(kFileRef)) continue;
    ASSIGN_OR_RETURN(std::string bytes, reader.Content(ref.sha256));
    found->start.files.push_back({ref.name.substr(kFileRef.size()), std::move(bytes)});
  }
  return found;
}

}  // namespace passnet::agent
