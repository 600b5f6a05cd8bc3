#include "tests/hostile/trials.h"

#include <chrono>
#include <cmath>
#include <cstdio>

#include "evaluator/candidate/candidate.h"
#include "tests/fakes/paths.h"

namespace passnet::hostile {
namespace {

constexpr std::chrono::milliseconds kTimeCap{120};  // enough to tell twice as fast from as fast
constexpr std::chrono::minutes kLimit{5};
constexpr std::chrono::minutes kStartLimit{3};
constexpr double kTwinMargin = 1.5;  // two short measurements of one kernel differ so much on a busy machine

double GeometricMean(const evaluator::EvaluationReport& report) {
  double sum = 0;
  for (const evaluator::GraphReport& graph : report.graphs) {
    if (!graph.speedup_call) return 0;
    sum += std::log(*graph.speedup_call);
  }
  return report.graphs.empty() ? 0 : std::exp(sum / static_cast<double>(report.graphs.size()));
}

// The first graph's times, which tell why a specimen that is not stopped is not.
std::string Times(const evaluator::EvaluationReport& report) {
  if (report.graphs.empty()) return "";
  const evaluator::GraphReport& graph = report.graphs.front();
  char text[128];
  std::snprintf(text, sizeof text, "eager %.2f us, candidate %.2f us, floor %.2f us", graph.eager_us.value_or(0),
                graph.candidate_us.value_or(0), graph.floor_us.value_or(0));
  return text;
}

}  // namespace

Result<evaluator::LaneClient*> Trials::Lane(const std::string& ablate) {
  std::unique_ptr<evaluator::LaneClient>& lane = lanes_[ablate];
  if (lane == nullptr) {
    evaluator::LaneClientOptions options = options_;
    options.evaluator_binary = fakes::BinaryDir() + "/bin/passnet-evaluator";
    options.cache_dir = fakes::BinaryDir() + "/test-cache";
    options.ablate = ablate;
    ASSIGN_OR_RETURN(lane, evaluator::StartLane(options, Deadline::After(kStartLimit)));
  }
  return lane.get();
}

Result<Outcome> Trials::Run(const Specimen& specimen, const std::string& ablate) {
  ASSIGN_OR_RETURN(evaluator::LaneClient * lane, Lane(ablate));
  evaluator::EvaluateRequest request;
  request.evaluation_id = "test-" + specimen.name;
  request.purpose = "test";
  request.task.path = specimen.task.native();
  request.device = options_.device;
  ASSIGN_OR_RETURN(request.files, evaluator::ReadPassDir(specimen.folder));
  request.profile = profile_;
  request.time_cap = kTimeCap;
  Outcome outcome;
  const auto started = std::chrono::steady_clock::now();
  for (int run = 0; run < specimen.runs; ++run) {
    auto report = lane->Evaluate(request, Deadline::After(kLimit), {});
    if (!report) {
      outcome = {"failed", report.error().context};
      break;
    }
    outcome = {evaluator::VerdictName(report.value().verdict), report.value().reason, GeometricMean(report.value())};
    if (outcome.reason.empty()) outcome.reason = Times(report.value());
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return outcome;
}

Result<double> Trials::Earned(const Specimen& specimen, const std::string& ablate) {
  if (specimen.twin.empty()) return specimen.earns;
  Specimen twin = specimen;
  twin.name += "-twin";
  twin.folder = specimen.twin;
  twin.runs = 1;
  ASSIGN_OR_RETURN(const Outcome honest, Run(twin, ablate));
  if (honest.ended != "OK") return Internal(specimen.twin.native() + " ended " + honest.ended + ": " + honest.reason);
  return honest.gain * kTwinMargin;
}

Result<std::map<std::string, std::string>> Trials::Environment(const std::string& ablate) {
  ASSIGN_OR_RETURN(evaluator::LaneClient * lane, Lane(ablate));
  return lane->Environment(Deadline::After(kStartLimit));
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "|") + name;
  return text;
}

}  // namespace passnet::hostile
