// Every real graph of PassBench's folders in the data folder ($PASSNET_DATA_DIR, else shared/data beside the sources):
// eager against eager, and TorchInductor against eager, each graph by itself. Graphs of more than a second a call are
// left out. Takes hours; every finished graph is written to a file, and the next run with the same settings and the same
// build goes on from there. The first graph of every folder comes first, then the second: a part is a part of all.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "bench/bench_main.h"
#include "bench/result_lines.h"
#include "bench/samples.h"
#include "bench/synthetic_task.h"
#include "evaluator/api/json.h"
#include "evaluator/lane/scoring.h"
#include "tests/fakes/shared_data.h"

namespace passnet::bench {
namespace {

namespace fs = std::filesystem;
using evaluator::BaselineCompiler;
using evaluator::BaselineReport;
using evaluator::GraphReport;
using evaluator::Profile;

struct Settings {
  int minutes = 0;
  double longest_ms = 1000;
  int64_t time_cap_ms = 0;
  std::string profile = "passbench";
  std::string results, markdown;
};

struct Item {
  std::string folder;  // the task's own name
  std::string graph;   // as graph_list.txt has it
  int place = 0;       // among the graphs of its folder
};

// The graphs of INDEX.tsv, those first that are first in their folders. `left_out` counts the slow ones.
Result<std::vector<Item>> GraphsToMeasure(const Settings& settings, int* left_out) {
  const fs::path index = fakes::SharedData("passbench/INDEX.tsv");
  std::ifstream file(index);
  if (!file) return NotFound(fakes::SharedDataAdvice(index));
  std::vector<Item> items;
  std::map<std::string, int> places;
  std::string line;
  std::getline(file, line);  // the columns' names
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, '\t');) cells.push_back(cell);
    if (cells.size() < 7) return InvalidArgument(index.native() + ": a line has fewer than 7 columns");
    const std::string folder = fs::path(cells[0]).filename().native();
    if (std::atof(cells[6].c_str()) > settings.longest_ms) {
      ++*left_out;
    } else {
      items.push_back({folder, cells[1], places[folder]++});
    }
  }
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.place < b.place; });
  return items;
}

// A task folder with this graph alone.
void MakeTask(const fs::path& folder, const Item& item) {
  fs::create_directory_symlink(fakes::SharedData("passbench/graphs"), folder / "graphs");
  std::ofstream(folder / "graph_list.txt") << item.graph << "\n";
}

Result<BaselineReport> Baseline(evaluator::LaneClient& lane, const Settings& settings, const fs::path& task,
                                BaselineCompiler compiler) {
  evaluator::BaselineRequest request;
  request.task.path = task.native();
  request.compiler = compiler;
  request.profile = settings.profile == "quick" ? Profile::kQuick : Profile::kPassbench;
  request.time_cap = std::chrono::milliseconds(settings.time_cap_ms);
  request.use_cache = false;
  return lane.Baseline(request, Deadline::After(std::chrono::minutes(30)), {});
}

// What one graph came to; our own failures are a result too, so that a run never stops at them.
Json MeasureGraph(evaluator::LaneClient& lane, const Settings& settings, const Item& item) {
  const BenchFolder task("census");
  MakeTask(task.path(), item);
  Json line = {{"folder", item.folder}, {"graph", item.graph}};
  for (const auto& [name, compiler] : {std::pair{"eager", BaselineCompiler::kEager}, {"inductor", BaselineCompiler::kInductor}}) {
    const auto report = Baseline(lane, settings, task.path(), compiler);
    line.Set(name, report ? ToJsonValue(*report) : Json{{"error", report.error().context}});
  }
  return line;
}

Status FillIn(const Settings& settings, const std::vector<Item>& items, ResultLines* results) {
  std::set<std::pair<std::string, std::string>> done;
  for (const Json& line : results->lines()) done.emplace(line["folder"].Text(), line["graph"].Text());
  const Deadline end =
      settings.minutes > 0 ? Deadline::After(std::chrono::minutes(settings.minutes)) : Deadline::Never();
  std::unique_ptr<evaluator::LaneClient> lane;
  for (const Item& item : items) {
    if (done.contains({item.folder, item.graph})) continue;
    if (end.Passed()) return OkStatus();
    if (!lane) {
      ASSIGN_OR_RETURN(lane, StartLane());
    }
    RETURN_IF_ERROR(results->Append(MeasureGraph(*lane, settings, item)));
    std::fprintf(stderr, "%zu of %zu: %s\n", results->lines().size(), items.size(), item.graph.c_str());
  }
  return OkStatus();
}

// One folder, or all together.
struct Part {
  std::vector<GraphReport> eager, inductor;
  int graphs = 0, unmeasured = 0;
};

void Take(const Json& report, std::vector<GraphReport>* graphs, Part* part) {
  auto read = evaluator::FromJsonValue<BaselineReport>(report);
  if (!read || read->graphs.empty()) {
    ++part->unmeasured;
  } else {
    graphs->push_back(std::move(read->graphs.front()));
  }
}

std::map<std::string, Part> Sorted(const ResultLines& results) {
  std::map<std::string, Part> parts;
  for (const Json& line : results.lines()) {
    for (Part* part : {&parts[line["folder"].Text()], &parts[""]}) {
      ++part->graphs;
      Take(line["eager"], &part->eager, part);
      Take(line["inductor"], &part->inductor, part);
    }
  }
  return parts;
}

double Score(const std::vector<GraphReport>& graphs) {
  return evaluator::ScoreOurs(graphs, {}).aggregated.value_or(std::nan(""));
}

struct Slower {
  int measured = 0, slower = 0, surely = 0;  // surely: outside its interval
};

Slower CountSlower(const std::vector<GraphReport>& graphs) {
  Slower count;
  for (const GraphReport& graph : graphs) {
    if (!graph.speedup_call || graph.verdict != evaluator::Verdict::kOk) continue;
    ++count.measured;
    count.slower += *graph.speedup_call < 1;
    count.surely += *graph.speedup_call * (1 + graph.noise.value_or(0)) < 1;
  }
  return count;
}

// Of eager against eager: 1 lies outside the interval.
int CountOff(const std::vector<GraphReport>& graphs) {
  return static_cast<int>(std::count_if(graphs.begin(), graphs.end(), [](const GraphReport& graph) {
    return graph.speedup_call && std::abs(*graph.speedup_call - 1) > graph.noise.value_or(0) * *graph.speedup_call;
  }));
}

std::string Row(const std::string& name, const Part& part) {
  const Slower slower = CountSlower(part.inductor);
  char text[256];
  std::snprintf(text, sizeof text, "| %s | %d | %.3f | %d | %.3f | %d of %d | %d | %d |\n", name.c_str(), part.graphs,
                Score(part.eager), CountOff(part.eager), Score(part.inductor), slower.slower, slower.measured,
                slower.surely, static_cast<int>(part.inductor.size()) - slower.measured + part.unmeasured);
  return text;
}

std::string Table(const std::map<std::string, Part>& parts) {
  std::string text =
      "| folder | graphs | eager/eager, AS | off its interval | Inductor, AS | slower than eager | outside its interval | "
      "not OK |\n|---|---|---|---|---|---|---|---|\n";
  for (const auto& [name, part] : parts) {
    if (!name.empty()) text += Row("`" + name.substr(0, 8) + "`", part);
  }
  if (const auto all = parts.find(""); all != parts.end()) text += Row("all", all->second);
  return text;
}

Result<BenchReport> Measure(const Settings& settings) {
  int left_out = 0;
  ASSIGN_OR_RETURN(const std::vector<Item> items, GraphsToMeasure(settings, &left_out));
  ASSIGN_OR_RETURN(const std::string build, BuildDigest());
  ASSIGN_OR_RETURN(ResultLines results,
                   ResultLines::Open(settings.results, {{"profile", settings.profile},
                                                        {"time_cap_ms", settings.time_cap_ms},
                                                        {"build", build}}));
  RETURN_IF_ERROR(FillIn(settings, items, &results));
  std::map<std::string, Part> parts = Sorted(results);
  const std::string table = Table(parts);
  std::printf("%s", table.c_str());
  if (!settings.markdown.empty()) RETURN_IF_ERROR(WriteFileAtomic(settings.markdown, table));
  const Part& all = parts[""];
  const Slower slower = CountSlower(all.inductor);
  BenchReport report("inductor_census");
  report.Add("graphs", all.graphs);
  report.Add("graphs_to_measure", static_cast<double>(items.size()));
  report.Add("graphs_left_out_as_slow", left_out);
  report.Add("eager_as", Score(all.eager));
  report.Add("eager_off_interval_share", static_cast<double>(CountOff(all.eager)) / std::max<double>(1, all.eager.size()));
  report.Add("inductor_as", Score(all.inductor));
  report.Add("inductor_slower_share", slower.slower / std::max(1.0, static_cast<double>(slower.measured)));
  report.Add("inductor_surely_slower_share", slower.surely / std::max(1.0, static_cast<double>(slower.measured)));
  report.Add("inductor_not_ok", static_cast<double>(all.inductor.size()) - slower.measured);
  report.Add("unmeasured", all.unmeasured);
  if (!results.lines().empty()) report.Environment(FactsIn(results.lines().back()["eager"]["environment"]));
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  using passnet::command_line::NotNegative;
  passnet::bench::Settings settings;
  settings.results = passnet::bench::ResultsFile("inductor_census");
  std::vector<passnet::command_line::Option> options = {
      {.name = "--minutes", .help = "stop after that many, and tabulate what is there; 0: when all is done",
       .value = &settings.minutes, .allowed = NotNegative()},
      {.name = "--profile", .help = "passbench or quick", .value = &settings.profile, .show_default = true,
       .allowed = passnet::command_line::OneOf{{"passbench", "quick"}}},
      {.name = "--time-cap-ms", .help = "timing of one graph; 0: the profile's own", .value = &settings.time_cap_ms,
       .allowed = NotNegative()},
      {.name = "--longest-ms", .help = "graphs whose eager call takes longer, by INDEX.tsv, are left out",
       .value = &settings.longest_ms, .show_default = true, .allowed = NotNegative()},
      {.name = "--results", .help = "where finished graphs are kept", .value = &settings.results, .show_default = true},
      {.name = "--markdown", .help = "a file for the table", .value = &settings.markdown}};
  return passnet::bench::Main("inductor_census", "TorchInductor and eager itself against eager, on every real graph",
                              std::move(options), [&] { return passnet::bench::Measure(settings); }, argc, argv);
}
