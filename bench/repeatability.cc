// The same files evaluated again and again, each time in a fresh lane: how far apart the scores of a task lie, how far a
// graph's speed-ups, and how often a stated interval covers the mean. The bundled tasks with the passes that the tests
// keep for them, one evaluation of each task a round. Takes an hour and more; every finished evaluation is written to a
// file, and the next run with the same settings and the same build goes on from there.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bench/bench_main.h"
#include "bench/bundled.h"
#include "bench/result_lines.h"
#include "bench/samples.h"
#include "bench/synthetic_task.h"
#include "evaluator/api/json.h"

namespace passnet::bench {
namespace {

using evaluator::CallPath;
using evaluator::EvaluationReport;
using evaluator::Profile;
using evaluator::Verdict;

struct Settings {
  int tasks = 12;
  int evaluations = 10;
  int minutes = 0;
  int64_t time_cap_ms = 0;
  std::string profile = "passbench";
  std::string call_path = "dynamo";
  std::vector<std::string> names;
  std::string results;
};

Json WrittenDown(const Settings& settings, const std::string& build) {
  return {{"profile", settings.profile},
          {"call_path", settings.call_path},
          {"time_cap_ms", settings.time_cap_ms},
          {"build", build}};
}

evaluator::EvaluateRequest RequestFor(const Settings& settings, const BundledTask& task, int round) {
  evaluator::EvaluateRequest request;
  request.evaluation_id = "repeatability-" + task.name + "-" + std::to_string(round);
  request.task.path = task.dir.native();
  request.files = task.pass;
  request.profile = settings.profile == "quick" ? Profile::kQuick : Profile::kPassbench;
  request.call_path = settings.call_path == "direct" ? CallPath::kDirect : CallPath::kDynamo;
  request.time_cap = std::chrono::milliseconds(settings.time_cap_ms);
  return request;
}

Result<EvaluationReport> EvaluateInFreshLane(const evaluator::EvaluateRequest& request) {
  ASSIGN_OR_RETURN(const auto lane, StartLane());
  return lane->Evaluate(request, Deadline::After(std::chrono::minutes(30)), {});
}

Result<std::vector<BundledTask>> ChosenTasks(const Settings& settings) {
  ASSIGN_OR_RETURN(std::vector<BundledTask> tasks, BundledTasks());
  std::erase_if(tasks, [&](const BundledTask& task) {
    return !settings.names.empty() && std::count(settings.names.begin(), settings.names.end(), task.name) == 0;
  });
  if (tasks.size() > static_cast<size_t>(settings.tasks)) tasks.resize(static_cast<size_t>(settings.tasks));
  if (tasks.empty()) return InvalidArgument("no bundled task has such a name");
  return tasks;
}

// Evaluates what is not there yet, until all is or the time is over.
Status FillIn(const Settings& settings, const std::vector<BundledTask>& tasks, ResultLines* results) {
  std::set<std::pair<std::string, int64_t>> done;
  for (const Json& line : results->lines()) done.emplace(line["task"].Text(), line["round"].Integer());
  const Deadline end =
      settings.minutes > 0 ? Deadline::After(std::chrono::minutes(settings.minutes)) : Deadline::Never();
  for (int round = 0; round < settings.evaluations; ++round) {
    for (const BundledTask& task : tasks) {
      if (done.contains({task.name, round})) continue;
      if (end.Passed()) return OkStatus();
      ASSIGN_OR_RETURN(const EvaluationReport report, EvaluateInFreshLane(RequestFor(settings, task, round)));
      RETURN_IF_ERROR(results->Append({{"task", task.name}, {"round", round}, {"report", ToJsonValue(report)}}));
      std::fprintf(stderr, "round %d of %d, %s: %s\n", round + 1, settings.evaluations, task.name.c_str(),
                   VerdictName(report.verdict));
    }
  }
  return OkStatus();
}

// What all evaluations of one task came to.
struct TaskFigures {
  std::vector<double> scores;
  std::map<std::string, std::vector<evaluator::GraphReport>> graphs;  // with a speed-up, by path
  int evaluations = 0;
  int not_ok = 0;
};

double Spread(const std::vector<double>& values) {
  if (values.size() < 2) return std::nan("");
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return *most / *least;
}

std::vector<double> SpeedUps(const std::vector<evaluator::GraphReport>& reports) {
  std::vector<double> speed_ups;
  for (const auto& report : reports) speed_ups.push_back(*report.speedup_call);
  return speed_ups;
}

// Whether each stated interval covers the mean.
std::vector<double> Covered(const std::vector<evaluator::GraphReport>& reports) {
  const double mean = Mean(SpeedUps(reports));
  std::vector<double> covered;
  for (const auto& report : reports) {
    covered.push_back(std::abs(mean - *report.speedup_call) <= report.noise.value_or(0) * *report.speedup_call);
  }
  return covered;
}

Result<std::map<std::string, TaskFigures>> Sorted(const std::vector<BundledTask>& tasks, const Settings& settings,
                                                  const ResultLines& results) {
  std::map<std::string, TaskFigures> figures;
  for (const BundledTask& task : tasks) figures[task.name];
  for (const Json& line : results.lines()) {
    const auto found = figures.find(line["task"].Text());
    if (found == figures.end() || line["round"].Integer() >= settings.evaluations) continue;
    ASSIGN_OR_RETURN(EvaluationReport report, evaluator::FromJsonValue<EvaluationReport>(line["report"]));
    TaskFigures& task = found->second;
    ++task.evaluations;
    task.not_ok += report.verdict != Verdict::kOk;
    if (report.aggregated_score) task.scores.push_back(*report.aggregated_score);
    for (auto& graph : report.graphs) {
      if (graph.speedup_call) task.graphs[graph.path].push_back(std::move(graph));
    }
  }
  return figures;
}

struct Sums {
  std::vector<double> score_spreads, graph_spreads, covered;
  std::vector<double> controls, controls_covered;  // of all evaluations; 1 is what a control should give
  int evaluations = 0, not_ok = 0;
};

void AddControls(const std::vector<evaluator::GraphReport>& reports, Sums* sums) {
  for (const auto& report : reports) {
    if (!report.control) continue;
    sums->controls.push_back(*report.control);
    sums->controls_covered.push_back(std::abs(*report.control - 1) <= report.control_noise.value_or(0) * *report.control);
  }
}

void PrintRow(const std::string& name, const TaskFigures& task, const Sums& own) {
  std::printf("  %-28s %3d %7.3f %7.3f %7.3f %7.3f %7.3f %8.2f %6d\n", name.c_str(), task.evaluations,
              Quantile(task.scores, 0), Quantile(task.scores, 0.5), Quantile(task.scores, 1), Spread(task.scores),
              Quantile(own.graph_spreads, 1), Mean(own.covered), task.not_ok);
}

void AddTo(const Sums& own, Sums* sums) {
  auto append = [](const std::vector<double>& from, std::vector<double>* to) {
    std::copy_if(from.begin(), from.end(), std::back_inserter(*to), [](double value) { return std::isfinite(value); });
  };
  append(own.score_spreads, &sums->score_spreads);
  append(own.graph_spreads, &sums->graph_spreads);
  append(own.covered, &sums->covered);
  append(own.controls, &sums->controls);
  append(own.controls_covered, &sums->controls_covered);
  sums->evaluations += own.evaluations;
  sums->not_ok += own.not_ok;
}

// The table, and what the figures are made of.
Sums Tabulate(const std::map<std::string, TaskFigures>& figures) {
  std::printf("  %-28s %3s %7s %7s %7s %7s %7s %8s %6s\n", "task", "n", "AS min", "median", "max", "spread", "graph",
              "covered", "not OK");
  Sums sums;
  for (const auto& [name, task] : figures) {
    Sums own;
    own.score_spreads = {Spread(task.scores)};
    own.evaluations = task.evaluations;
    own.not_ok = task.not_ok;
    for (const auto& [path, reports] : task.graphs) {
      AddControls(reports, &own);
      if (reports.size() < 2) continue;
      own.graph_spreads.push_back(Spread(SpeedUps(reports)));
      for (double covered : Covered(reports)) own.covered.push_back(covered);
    }
    PrintRow(name, task, own);
    AddTo(own, &sums);
  }
  return sums;
}

Result<BenchReport> Measure(const Settings& settings) {
  ASSIGN_OR_RETURN(const std::vector<BundledTask> tasks, ChosenTasks(settings));
  ASSIGN_OR_RETURN(const std::string build, BuildDigest());
  ASSIGN_OR_RETURN(ResultLines results, ResultLines::Open(settings.results, WrittenDown(settings, build)));
  RETURN_IF_ERROR(FillIn(settings, tasks, &results));
  ASSIGN_OR_RETURN(const auto figures, Sorted(tasks, settings, results));
  const Sums sums = Tabulate(figures);
  BenchReport report("repeatability");
  report.Add("as_spread_p50", Quantile(sums.score_spreads, 0.5));
  report.Goal("as_spread_p50", "max", 1.03);
  report.Add("as_spread_max", Quantile(sums.score_spreads, 1));
  report.Goal("as_spread_max", "max", 1.06);
  report.Add("graph_spread_p90", Quantile(sums.graph_spreads, 0.9));
  report.Goal("graph_spread_p90", "max", 1.08);
  report.Add("coverage", Mean(sums.covered));
  report.Goal("coverage", "min", 0.9);
  if (!sums.controls.empty()) {
    report.Add("control_p10", Quantile(sums.controls, 0.1));
    report.Add("control_p90", Quantile(sums.controls, 0.9));
    report.Add("control_coverage", Mean(sums.controls_covered));
  }
  report.Add("evaluations", sums.evaluations);
  report.Add("not_ok", sums.not_ok);
  report.Goal("not_ok", "max", 0);
  if (!results.lines().empty()) report.Environment(FactsIn(results.lines().back()["report"]["environment"]));
  return report;
}

std::vector<command_line::Option> OptionsOf(Settings* settings) {
  return {CountOption("--tasks", "of the bundled ones, by name", &settings->tasks),
          {.name = "--task", .help = "one of them by its name; may be given several times", .value = &settings->names,
           .one_value_each = true},
          CountOption("--evaluations", "of each task", &settings->evaluations),
          {.name = "--profile", .help = "passbench or quick", .value = &settings->profile, .show_default = true,
           .allowed = command_line::OneOf{{"passbench", "quick"}}},
          {.name = "--call-path", .help = "dynamo or direct", .value = &settings->call_path, .show_default = true,
           .allowed = command_line::OneOf{{"dynamo", "direct"}}},
          {.name = "--time-cap-ms", .help = "timing of one graph; 0: the profile's own", .value = &settings->time_cap_ms,
           .allowed = command_line::NotNegative()},
          {.name = "--minutes", .help = "stop after that many, and print what is there; 0: when all is done",
           .value = &settings->minutes, .allowed = command_line::NotNegative()},
          {.name = "--results", .help = "where finished evaluations are kept", .value = &settings->results,
           .show_default = true}};
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  passnet::bench::Settings settings;
  settings.results = passnet::bench::ResultsFile("repeatability");
  return passnet::bench::Main("repeatability", "How far apart scores of the same files lie, each from a fresh lane",
                              passnet::bench::OptionsOf(&settings), [&] { return passnet::bench::Measure(settings); },
                              argc, argv);
}
