#include "tests/hostile/suite.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "evaluator/candidate/candidate.h"
#include "tests/fakes/paths.h"

namespace passnet::hostile {
namespace {

constexpr std::chrono::milliseconds kTimeCap{120};  // enough to tell twice as fast from as fast
constexpr std::chrono::minutes kLimit{5};
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

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "|") + name;
  return text;
}

const std::vector<std::string>& Expected(const Case& wanted) {
  const bool unscreened = wanted.ablate == kTextLayers;
  return unscreened ? wanted.specimen.unscreened : wanted.specimen.expect;
}

}  // namespace

std::string CaseName(const testing::TestParamInfo<Case>& info) {
  const std::string again = info.param.again > 0 ? "_" + std::to_string(info.param.again) : "";
  return info.param.specimen.name + (info.param.ablate.empty() ? "" : "_unscreened") + again;
}

evaluator::LaneClient* Suite::Lane(const std::string& ablate) {
  std::unique_ptr<evaluator::LaneClient>& lane = lanes_[ablate];
  if (lane == nullptr) {
    evaluator::LaneClientOptions options;
    options.evaluator_binary = fakes::BinaryDir() + "/bin/passnet-evaluator";
    options.cache_dir = fakes::BinaryDir() + "/test-cache";
    options.ablate = ablate;
    auto started = evaluator::StartLane(options, Deadline::After(std::chrono::minutes(3)));
    if (!started) {
      ADD_FAILURE() << started.error().context;
      return nullptr;
    }
    lane = std::move(started).value();
  }
  return lane.get();
}

Outcome Suite::Run(const Case& wanted) {
  evaluator::LaneClient* lane = Lane(wanted.ablate);
  if (lane == nullptr) return {"no lane", ""};
  evaluator::EvaluateRequest request;
  request.evaluation_id = "test-" + wanted.specimen.name;
  request.purpose = "test";
  request.task.path = wanted.specimen.task.native();
  request.files = evaluator::ReadPassDir(wanted.specimen.folder).value();
  request.profile = evaluator::Profile::kQuick;
  request.time_cap = kTimeCap;
  Outcome outcome;
  const auto started = std::chrono::steady_clock::now();
  for (int run = 0; run < wanted.specimen.runs; ++run) {
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

double Suite::Earned(const Case& wanted) {
  const Specimen& specimen = wanted.specimen;
  if (specimen.twin.empty()) return specimen.earns;
  Case twin = wanted;
  twin.specimen.name += "-twin";
  twin.specimen.folder = specimen.twin;
  twin.specimen.runs = 1;
  const Outcome honest = Run(twin);
  EXPECT_EQ(honest.ended, "OK") << specimen.twin << ": " << honest.reason;
  return honest.gain * kTwinMargin;
}

std::string Suite::Wrong(const Case& wanted, const Outcome& outcome) {
  const std::vector<std::string>& expected = Expected(wanted);
  if (std::find(expected.begin(), expected.end(), outcome.ended) == expected.end()) {
    return "ended " + outcome.ended + " (" + outcome.reason + ") instead of " + Joined(expected);
  }
  if (wanted.specimen.row == "honest" || outcome.ended != "OK") return "";
  const double earned = Earned(wanted);
  if (outcome.gain <= earned) return "";
  return "was paid " + std::to_string(outcome.gain) + ", its honest part earns " + std::to_string(earned);
}

void Suite::Note(const Case& wanted, const Outcome& outcome, const std::string& wrong) {
  char line[512];
  std::snprintf(line, sizeof line, "%-4s %-34s %-13s %-6.6s %-36s %-12s %7.3f %5.1fs  %.110s", wrong.empty() ? "" : "NO",
                wanted.specimen.name.c_str(), wanted.specimen.row.c_str(), wanted.ablate.c_str(),
                Joined(Expected(wanted)).c_str(), outcome.ended.c_str(), outcome.gain, outcome.seconds, outcome.reason.c_str());
  table_.push_back(line);
}

std::string Suite::Ended(const Specimen& specimen) {
  const auto found = ended_.find(specimen.name);
  return found == ended_.end() ? "R.STATIC" : found->second;
}

void Suite::Check(const Case& wanted) {
  const Outcome outcome = Run(wanted);
  const std::string wrong = Wrong(wanted, outcome);
  Note(wanted, outcome, wrong);
  if (wanted.ablate.empty()) ended_[wanted.specimen.name] = outcome.ended;
  if (!wrong.empty() && !wanted.specimen.open.empty()) GTEST_SKIP() << "known open: " << wanted.specimen.open;
  EXPECT_EQ(wrong, "");
}

void Suite::TearDownTestSuite() {
  std::printf("%-4s %-34s %-13s %-6.6s %-36s %-12s %7s %6s  reason\n", "", "specimen", "row", "off", "expected", "ended",
              "gain", "");
  for (const std::string& line : table_) std::printf("%s\n", line.c_str());
  table_.clear();
  lanes_.clear();
}

}  // namespace passnet::hostile
