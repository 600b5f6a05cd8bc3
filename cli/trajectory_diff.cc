#include "cli/trajectory_diff.h"

#include <algorithm>
#include <cstdio>

namespace passnet::cli {
namespace {

using trajectories::Event;
using trajectories::EventKind;
using trajectories::TrajectoryState;

std::string Number(const std::optional<double>& value) {
  if (!value) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", *value);
  return text;
}

std::vector<FieldDifference> CompareSummaries(const TrajectoryState& a, const TrajectoryState& b) {
  std::vector<FieldDifference> fields;
  auto compare = [&fields](const char* name, const std::string& left, const std::string& right) {
    if (left != right) fields.push_back({name, left, right});
  };
  compare("task", a.task, b.task);
  compare("state", a.state, b.state);
  compare("outcome", a.outcome, b.outcome);
  compare("verdict", a.verdict, b.verdict);
  compare("rounds", std::to_string(a.rounds), std::to_string(b.rounds));
  compare("best_score", Number(a.best_score), Number(b.best_score));
  compare("final_score", Number(a.final_score), Number(b.final_score));
  compare("final_pass_dir", a.final_subject, b.final_subject);
  compare("calls", std::to_string(a.usage.calls), std::to_string(b.usage.calls));
  compare("prompt_tokens", std::to_string(a.usage.prompt_tokens), std::to_string(b.usage.prompt_tokens));
  compare("completion_tokens", std::to_string(a.usage.completion_tokens), std::to_string(b.usage.completion_tokens));
  compare("cost_microusd", std::to_string(a.usage.cost_microusd), std::to_string(b.usage.cost_microusd));
  return fields;
}

std::string StepText(const Event& event) {
  std::string text(EventKindName(event.body.kind));
  // Two samples of one task are there to be compared: their numbers are no difference.
  const bool is_sample = event.body.kind == EventKind::kTrajectoryStarted;
  if (!event.body.label.empty() && !is_sample) text += " " + event.body.label;
  if (event.body.round) text += ", round " + std::to_string(*event.body.round);
  return text;
}

std::optional<StepDifference> FirstStep(const std::vector<Event>& a, const std::vector<Event>& b) {
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    std::string left = i < a.size() ? StepText(a[i]) : "";
    std::string right = i < b.size() ? StepText(b[i]) : "";
    if (left != right) return StepDifference{static_cast<int64_t>(i) + 1, left, right};
  }
  return std::nullopt;
}

// The content that the events of one kind name, in order.
std::vector<Sha256Digest> Contents(const std::vector<Event>& events, EventKind kind, std::string_view name) {
  std::vector<Sha256Digest> contents;
  for (const Event& event : events) {
    if (event.body.kind != kind) continue;
    for (const auto& ref : event.body.refs) {
      if (ref.name == name) contents.push_back(ref.sha256);
    }
  }
  return contents;
}

// A JSON body is one line; its own text has lines, escaped.
std::vector<std::string> Lines(const std::string& bytes) {
  std::vector<std::string> lines(1);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bool escaped = bytes.compare(i, 2, "\\n") == 0;
    if (bytes[i] == '\n' || escaped) {
      lines.emplace_back();
      i += escaped ? 1 : 0;
    } else {
      lines.back() += bytes[i];
    }
  }
  return lines;
}

Result<std::optional<ContentDifference>> FirstContent(trajectories::Reader* reader, const std::vector<Event>& a,
                                                      const std::vector<Event>& b, EventKind kind,
                                                      const std::string& name) {
  auto left = Contents(a, kind, name);
  auto right = Contents(b, kind, name);
  for (size_t call = 0; call < std::min(left.size(), right.size()); ++call) {
    if (left[call] == right[call]) continue;
    ASSIGN_OR_RETURN(std::string left_bytes, reader->Content(left[call]));
    ASSIGN_OR_RETURN(std::string right_bytes, reader->Content(right[call]));
    auto left_lines = Lines(left_bytes);
    auto right_lines = Lines(right_bytes);
    size_t line = 0;
    while (line < std::min(left_lines.size(), right_lines.size()) && left_lines[line] == right_lines[line]) ++line;
    return std::optional(ContentDifference{static_cast<int64_t>(call) + 1, name, static_cast<int64_t>(line) + 1,
                                           line < left_lines.size() ? left_lines[line] : "",
                                           line < right_lines.size() ? right_lines[line] : ""});
  }
  return std::optional<ContentDifference>();
}

}  // namespace

Result<TrajectoryDifference> CompareTrajectories(trajectories::Reader* reader, const std::string& a,
                                                 const std::string& b) {
  ASSIGN_OR_RETURN(TrajectoryState left, reader->Trajectory(a));
  ASSIGN_OR_RETURN(TrajectoryState right, reader->Trajectory(b));
  ASSIGN_OR_RETURN(auto left_events, reader->Chain(left.campaign_id, a));
  ASSIGN_OR_RETURN(auto right_events, reader->Chain(right.campaign_id, b));
  TrajectoryDifference difference;
  difference.fields = CompareSummaries(left, right);
  difference.step = FirstStep(left_events, right_events);
  ASSIGN_OR_RETURN(auto request,
                   FirstContent(reader, left_events, right_events, EventKind::kLlmIntent, "request"));
  ASSIGN_OR_RETURN(auto reply, FirstContent(reader, left_events, right_events, EventKind::kLlmOutcome, "reply"));
  // A call's request comes before its reply.
  difference.content = request && (!reply || request->call <= reply->call) ? request : reply;
  return difference;
}

}  // namespace passnet::cli
