// passnet score: what upstream's scorer would say about a log, or whether we agree with it on a file of cases.
#include <cstdio>
#include <memory>

#include "base/file.h"
#include "base/json.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "passbench/score.h"
#include "passbench/score_cases.h"
#include "passbench/validation_log.h"

namespace passnet::cli {
namespace {

constexpr size_t kMaxLogBytes = 1u << 30;  // chosen: a log has about 20 kB a graph; a whole data set's fits

struct ScoreFlags {
  std::string log;
  std::string cases;
  std::string interpretation = "default";
  passbench::ScoreOptions options;
  bool json = false;
};

std::string Show(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", value);
  return text;
}

std::string Show(const std::optional<double>& value) { return value ? Show(*value) : "-"; }

Json LevelsJson(const std::map<int, double>& levels) {
  Json json = Json::MakeObject();
  for (const auto& [t, value] : levels) json.Set(std::to_string(t), value);
  return json;
}

struct ScoredLog {
  std::vector<passbench::LogSample> samples;
  std::vector<passbench::GraphResult> graphs;
  passbench::Scores scores;
};

Result<ScoredLog> ScoreLog(const ScoreFlags& flags) {
  ScoredLog log;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(flags.log, kMaxLogBytes));
  auto samples = passbench::ParseValidationLog(text);
  if (!samples) return samples.error().Prefixed(flags.log);
  if (samples->empty()) {
    return InvalidArgument(flags.log + ": no [Processing] line, so no graph to score; upstream writes no score either");
  }
  log.samples = std::move(samples).value();
  for (const passbench::LogSample& sample : log.samples) {
    auto graph = passbench::ToGraphResult(sample);
    if (!graph) return graph.error().Prefixed(flags.log);
    log.graphs.push_back(std::move(graph).value());
  }
  auto scores = passbench::Score(log.graphs, flags.options);
  if (!scores) return scores.error().Prefixed(flags.log);
  log.scores = std::move(scores).value();
  return log;
}

Json LogJson(const ScoreFlags& flags, const ScoredLog& log) {
  Json graphs = Json::MakeArray();
  for (size_t i = 0; i < log.samples.size(); ++i) {
    const passbench::LogSample& sample = log.samples[i];
    graphs.Push({{"path", OrNull(sample.model_path)},
                 {"status", passbench::GraphStatusName(sample.status)},
                 {"speedup", OrNull(sample.SpeedupE2e())},
                 {"tolerances_ok", log.graphs[i].correct_at.Levels()}});
  }
  return {{"schema", "passnet.score/1"},
          {"log", flags.log},
          {"p", flags.options.p},
          {"b", flags.options.b},
          {"interpretation", flags.interpretation},
          {"aggregated_score", OrNull(log.scores.aggregated)},
          {"aggregated_score_old_weights", OrNull(log.scores.aggregated_old_weights)},
          {"s", LevelsJson(log.scores.s)},
          {"es", LevelsJson(log.scores.es)},
          {"es_macro", LevelsJson(log.scores.es_macro)},
          {"macro_differs_at", log.scores.macro_differs},
          {"graphs", graphs}};
}

// "t >= -5", or "-" when the graph is correct nowhere.
std::string ShowCorrectFrom(const passbench::GraphResult& graph) {
  if (graph.status != passbench::GraphStatus::kCorrect) return "-";
  const std::vector<int> levels = graph.correct_at.Levels();
  if (levels.empty()) return "never";
  return "t >= " + std::to_string(levels.front());
}

void PrintLog(const ScoredLog& log) {
  Table graphs({"status", "speed-up", "close", "graph"});
  for (size_t i = 0; i < log.samples.size(); ++i) {
    const passbench::LogSample& sample = log.samples[i];
    graphs.Add({std::string(passbench::GraphStatusName(sample.status)), Show(sample.SpeedupE2e()),
                ShowCorrectFrom(log.graphs[i]), sample.model_path.value_or("(no path)")});
  }
  Table levels({"t", "S(t)", "ES(t)"});
  for (const auto& [t, es] : log.scores.es) levels.Add({std::to_string(t), Show(log.scores.s.at(t)), Show(es)});
  std::printf("%s\n%s\naggregated speed-up AS  %s\n", graphs.Text().c_str(), levels.Text().c_str(),
              Show(log.scores.aggregated).c_str());
}

int RunLog(const ScoreFlags& flags) {
  auto log = ScoreLog(flags);
  if (!log) return Fail(log.error());
  if (flags.json) {
    std::printf("%s\n", LogJson(flags, *log).Dump().c_str());
  } else {
    PrintLog(*log);
  }
  return kExitDone;
}

int RunCases(const ScoreFlags& flags) {
  auto text = ReadFile(flags.cases, kMaxLogBytes);
  if (!text) return Fail(text.error());
  auto outcomes = passbench::CheckScoreCases(*text, flags.cases);
  if (!outcomes) return Fail(outcomes.error());
  Json differing = Json::MakeArray();
  for (const passbench::CaseOutcome& outcome : *outcomes) {
    if (outcome.differences.empty()) continue;
    differing.Push({{"name", outcome.name}, {"differences", outcome.differences}});
    if (flags.json) continue;
    std::printf("%s\n", outcome.name.c_str());
    for (const std::string& difference : outcome.differences) std::printf("  %s\n", difference.c_str());
  }
  const size_t agree = outcomes->size() - differing.size();
  if (flags.json) {
    const Json json = {{"schema", "passnet.score_cases/1"},
                       {"cases", flags.cases},
                       {"total", outcomes->size()},
                       {"agree", agree},
                       {"differ", differing}};
    std::printf("%s\n", json.Dump().c_str());
  } else {
    std::printf("%zu of %zu cases agree\n", agree, outcomes->size());
  }
  return differing.empty() ? kExitDone : kExitVerification;
}

int Run(ScoreFlags flags) {
  if (flags.log.empty() == flags.cases.empty()) {
    return Fail(InvalidArgument("score: give either a VALIDATION_LOG or --cases FILE"));
  }
  flags.options.interpretation = *passbench::ParseInterpretation(flags.interpretation);
  return flags.cases.empty() ? RunLog(flags) : RunCases(flags);
}

}  // namespace

Command ScoreVerb() {
  auto flags = std::make_shared<ScoreFlags>();
  Command verb{.name = "score",
               .help = "score a validation.log of PassNet or GraphNet as upstream does",
               .footer = "Exit code 4 lists the cases that differ.\n"
                         "Examples:\n  passnet score validation.log --b 0.001\n  passnet score --cases es_oracle.json",
               .run = [flags] { return Run(*flags); }};
  verb.options = {
      {"VALIDATION_LOG", "the log that upstream's evaluation wrote", &flags->log},
      {"--cases", "score a file of cases again and compare", &flags->cases},
      {.name = "--p", .help = "penalty exponent of slow-downs (default 0)", .value = &flags->options.p,
       .excludes = "--cases"},
      {.name = "--b", .help = "score of a failed graph (default 0.1)", .value = &flags->options.b,
       .excludes = "--cases"},
      {.name = "--interpretation", .help = "which errors positive t forgives (default: default)",
       .value = &flags->interpretation, .allowed = OneOf{{"default", "mismatch_extended"}}, .excludes = "--cases"},
      {"--json", "one object (passnet.score/1, passnet.score_cases/1) as the last line", &flags->json},
  };
  return verb;
}

}  // namespace passnet::cli
