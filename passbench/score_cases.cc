#include "passbench/score_cases.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "passbench/score.h"
#include "passbench/validation_log.h"

namespace passnet::passbench {
namespace {

using nlohmann::json;

constexpr double kRelativeTolerance = 1e-12;  // docs/passbench.md, section 8

bool Agree(double expected, double found) {
  return std::abs(expected - found) <= kRelativeTolerance * std::max(std::abs(expected), std::abs(found));
}

std::string Show(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

// What one case comes to: scores or the reason why there are none, and for a log what its parser saw.
struct Computed {
  Result<Scores> scores = InvalidArgument("not scored");
  std::optional<std::vector<LogSample>> samples;
};

// Everything below throws json::exception on a value of another type; CheckScoreCases names the case.
OutputVerdict ReadOutput(const json& graph, size_t index) {
  OutputVerdict output{graph.at("dtype").at(index).get<std::string>(), graph.at("equal").at(index).get<bool>(), {}};
  for (const auto& [t, verdicts] : graph.at("allclose").items()) {
    if (verdicts.at(index).get<bool>()) output.close_at.Add(std::stoi(t));
  }
  return output;
}

GraphResult ReadGraph(const json& graph) {
  const std::string name = graph.at("status");
  auto status = ParseGraphStatus(name);
  if (!status) throw json::other_error::create(501, "status \"" + name + "\" is unknown", &graph);
  if (*status != GraphStatus::kCorrect) return FailedWith(*status);
  std::vector<OutputVerdict> outputs;
  for (size_t i = 0; i < graph.at("dtype").size(); ++i) outputs.push_back(ReadOutput(graph, i));
  GraphResult result{*status, CorrectAt(outputs), std::nullopt};
  if (const json& speedup = graph.at("speedup"); !speedup.is_null()) result.speedup = speedup.get<double>();
  return result;
}

ScoreOptions ReadOptions(const json& item) {
  const std::string name = item.at("interpretation");
  auto interpretation = ParseInterpretation(name);
  if (!interpretation) throw json::other_error::create(501, "interpretation \"" + name + "\" is unknown", &item);
  return {item.at("p").get<double>(), item.at("b").get<double>(), *interpretation};
}

Result<Scores> ScoreSamples(const std::vector<LogSample>& samples, const ScoreOptions& options) {
  std::vector<GraphResult> graphs;
  for (const LogSample& sample : samples) {
    ASSIGN_OR_RETURN(graphs.emplace_back(), ToGraphResult(sample));
  }
  return Score(graphs, options);
}

Computed Compute(const json& item) {
  const ScoreOptions options = ReadOptions(item);
  Computed computed;
  if (!item.contains("log")) {
    std::vector<GraphResult> graphs;
    for (const json& graph : item.at("graphs")) graphs.push_back(ReadGraph(graph));
    computed.scores = Score(graphs, options);
    return computed;
  }
  auto samples = ParseValidationLog(item.at("log").get_ref<const std::string&>());
  if (!samples) {
    computed.scores = samples.error();
    return computed;
  }
  computed.samples = *samples;
  computed.scores = ScoreSamples(*samples, options);
  return computed;
}

class Differences {
 public:
  void Compare(const std::string& what, const json& expected, const std::optional<double>& found) {
    const bool same = expected.is_null() ? !found : found && Agree(expected.get<double>(), *found);
    if (!same) Add(what, expected.is_null() ? "null" : Show(expected.get<double>()), found ? Show(*found) : "null");
  }

  void CompareLevels(const std::string& what, const json& expected, const std::map<int, double>& found) {
    for (const auto& [t, value] : expected.items()) {
      auto at = found.find(std::stoi(t));
      Compare(what + "(" + t + ")", value, at == found.end() ? std::nullopt : std::optional<double>(at->second));
    }
    if (expected.size() != found.size()) {
      Add(what, std::to_string(expected.size()) + " levels", std::to_string(found.size()));
    }
  }

  void Add(const std::string& what, const std::string& expected, const std::string& found) {
    list_.push_back(what + ": " + expected + " expected, " + found + " found");
  }

  std::vector<std::string> Take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

void CompareSamples(const json& item, const std::vector<LogSample>& samples, Differences& differences) {
  if (item.at("statuses").size() != samples.size()) {
    differences.Add("samples", std::to_string(item.at("statuses").size()), std::to_string(samples.size()));
    return;
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    const std::string which = "[" + std::to_string(i) + "]";
    const std::string status = item.at("statuses")[i];
    if (status != GraphStatusName(samples[i].status)) {
      differences.Add("status" + which, status, std::string(GraphStatusName(samples[i].status)));
    }
    if (const std::string path = item.at("model_paths").at(i); path != samples[i].model_path.value_or("")) {
      differences.Add("model_path" + which, path, samples[i].model_path.value_or("none"));
    }
    differences.Compare("speedup" + which, item.at("speedups").at(i), samples[i].SpeedupE2e());
  }
}

void CompareScores(const json& expect, const Scores& scores, Differences& differences) {
  differences.CompareLevels("S", expect.at("S"), scores.s);
  differences.CompareLevels("ES", expect.at("ES"), scores.es);
  differences.Compare("AS", expect.at("AS"), scores.aggregated);
  if (expect.contains("AS_old_weights")) {
    differences.Compare("AS_old_weights", expect["AS_old_weights"], scores.aggregated_old_weights);
  }
  if (expect.contains("ES_macro")) differences.CompareLevels("ES_macro", expect["ES_macro"], scores.es_macro);
  if (expect.contains("macro_check_fails_at") && expect["macro_check_fails_at"] != json(scores.macro_differs)) {
    differences.Add("macro_check_fails_at", expect["macro_check_fails_at"].dump(), json(scores.macro_differs).dump());
  }
}

std::vector<std::string> CompareCase(const json& item) {
  const Computed computed = Compute(item);
  const json& expect = item.at("expect");
  Differences differences;
  if (computed.samples) CompareSamples(item, *computed.samples, differences);
  if (expect.contains("error")) {
    if (computed.scores) differences.Add("outcome", "an error (" + expect["error"].get<std::string>() + ")", "a score");
  } else if (!computed.scores) {
    differences.Add("outcome", "a score", "\"" + computed.scores.error().context + "\"");
  } else {
    CompareScores(expect, *computed.scores, differences);
  }
  return differences.Take();
}

}  // namespace

Result<std::vector<CaseOutcome>> CheckScoreCases(std::string_view text, const std::string& file) {
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded() || !document.is_object() || !document.contains("cases") ||
      !document["cases"].is_array()) {
    return InvalidArgument(file + ": a JSON object with an array \"cases\" is expected");
  }
  std::vector<CaseOutcome> outcomes;
  for (const json& item : document["cases"]) {
    std::string name = "number " + std::to_string(outcomes.size() + 1);
    try {
      name = item.at("name").get<std::string>();
      outcomes.push_back({name, CompareCase(item)});
    } catch (const std::exception& e) {
      return InvalidArgument(file + ": case " + name + ": " + e.what());
    }
  }
  return outcomes;
}

}  // namespace passnet::passbench
