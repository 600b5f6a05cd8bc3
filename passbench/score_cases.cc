#include "passbench/score_cases.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

#include "base/json.h"
#include "passbench/score.h"
#include "passbench/validation_log.h"

namespace passnet::passbench {
namespace {

constexpr double kRelativeTolerance = 1e-12;  // docs/passbench.md, section 8

bool Agree(double expected, double found) {
  return std::abs(expected - found) <= kRelativeTolerance * std::max(std::abs(expected), std::abs(found));
}

std::string Show(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

using IsType = bool (Json::*)() const;

// `value` when it is of the type; an absent member reads as null and is none. CheckScoreCases names file and case.
Result<const Json*> Typed(const Json& value, IsType is, std::string_view key, const char* type) {
  if ((value.*is)()) return &value;
  return InvalidArgument(std::string(key) + " must be " + type + ", not " + value.TypeName());
}

Result<std::string> TextOf(const Json& object, std::string_view key) {
  ASSIGN_OR_RETURN(const Json* value, Typed(object[key], &Json::is_text, key, "a text"));
  return value->Text();
}

Result<double> NumberOf(const Json& object, std::string_view key) {
  ASSIGN_OR_RETURN(const Json* value, Typed(object[key], &Json::is_number, key, "a number"));
  return value->Number();
}

Result<bool> FlagAt(const Json& list, size_t index, std::string_view key) {
  ASSIGN_OR_RETURN(const Json* value, Typed(list.At(index), &Json::is_bool, key, "a list of true or false"));
  return value->Flag();
}

Result<int> LevelOf(const std::string& key) {
  int level = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), level);
  if (error == std::errc() && end == key.data() + key.size()) return level;
  return InvalidArgument("\"" + key + "\" must be a tolerance level such as -5");
}

// What one case comes to: scores or the reason why there are none, and for a log what its parser saw.
struct Computed {
  std::optional<std::vector<LogSample>> samples;
  Result<Scores> scores;
};

Result<OutputVerdict> ReadOutput(const Json& graph, size_t index) {
  OutputVerdict output;
  ASSIGN_OR_RETURN(const Json* dtype, Typed(graph["dtype"].At(index), &Json::is_text, "dtype", "a list of texts"));
  output.dtype = dtype->Text();
  ASSIGN_OR_RETURN(output.equal, FlagAt(graph["equal"], index, "equal"));
  ASSIGN_OR_RETURN(const Json* levels, Typed(graph["allclose"], &Json::is_object, "allclose", "an object"));
  for (const auto& [key, verdicts] : levels->Members()) {
    ASSIGN_OR_RETURN(const int t, LevelOf(key));
    ASSIGN_OR_RETURN(const bool close, FlagAt(verdicts, index, "allclose." + key));
    if (close) output.close_at.Add(t);
  }
  return output;
}

Result<GraphResult> ReadGraph(const Json& graph) {
  ASSIGN_OR_RETURN(const std::string name, TextOf(graph, "status"));
  auto status = ParseGraphStatus(name);
  if (!status) return InvalidArgument("status \"" + name + "\" is unknown");
  if (*status != GraphStatus::kCorrect) return FailedWith(*status);
  ASSIGN_OR_RETURN(const Json* dtypes, Typed(graph["dtype"], &Json::is_array, "dtype", "a list of texts"));
  std::vector<OutputVerdict> outputs;
  for (size_t i = 0; i < dtypes->size(); ++i) {
    ASSIGN_OR_RETURN(outputs.emplace_back(), ReadOutput(graph, i));
  }
  GraphResult result{*status, CorrectAt(outputs), std::nullopt};
  if (!graph["speedup"].is_null()) {
    ASSIGN_OR_RETURN(result.speedup, NumberOf(graph, "speedup"));
  }
  return result;
}

Result<ScoreOptions> ReadOptions(const Json& item) {
  ScoreOptions options;
  ASSIGN_OR_RETURN(const std::string name, TextOf(item, "interpretation"));
  auto interpretation = ParseInterpretation(name);
  if (!interpretation) return InvalidArgument("interpretation \"" + name + "\" is unknown");
  options.interpretation = *interpretation;
  ASSIGN_OR_RETURN(options.p, NumberOf(item, "p"));
  ASSIGN_OR_RETURN(options.b, NumberOf(item, "b"));
  return options;
}

Result<Scores> ScoreSamples(const std::vector<LogSample>& samples, const ScoreOptions& options) {
  std::vector<GraphResult> graphs;
  for (const LogSample& sample : samples) {
    ASSIGN_OR_RETURN(graphs.emplace_back(), ToGraphResult(sample));
  }
  return Score(graphs, options);
}

Result<Computed> ComputeFromGraphs(const Json& item, const ScoreOptions& options) {
  ASSIGN_OR_RETURN(const Json* graphs, Typed(item["graphs"], &Json::is_array, "graphs", "a list"));
  std::vector<GraphResult> results;
  for (const Json& graph : graphs->Items()) {
    ASSIGN_OR_RETURN(results.emplace_back(), ReadGraph(graph));
  }
  return Computed{std::nullopt, Score(results, options)};
}

Result<Computed> Compute(const Json& item) {
  ASSIGN_OR_RETURN(const ScoreOptions options, ReadOptions(item));
  if (!item.Has("log")) return ComputeFromGraphs(item, options);
  ASSIGN_OR_RETURN(const std::string log, TextOf(item, "log"));
  auto samples = ParseValidationLog(log);
  if (!samples) return Computed{std::nullopt, samples.error()};
  return Computed{*samples, ScoreSamples(*samples, options)};
}

class Differences {
 public:
  void Compare(const std::string& what, const Json& expected, const std::optional<double>& found) {
    const bool same = expected.is_null() ? !found : found && Agree(expected.Number(NAN), *found);
    if (!same) Add(what, expected.is_number() ? Show(expected.Number()) : expected.Dump(), found ? Show(*found) : "null");
  }

  Status CompareLevels(const std::string& what, const Json& expected, const std::map<int, double>& found) {
    for (const auto& [key, value] : expected.Members()) {
      ASSIGN_OR_RETURN(const int t, LevelOf(key));
      auto at = found.find(t);
      Compare(what + "(" + key + ")", value, at == found.end() ? std::nullopt : std::optional<double>(at->second));
    }
    if (expected.size() != found.size()) {
      Add(what, std::to_string(expected.size()) + " levels", std::to_string(found.size()));
    }
    return OkStatus();
  }

  void Add(const std::string& what, const std::string& expected, const std::string& found) {
    list_.push_back(what + ": " + expected + " expected, " + found + " found");
  }

  std::vector<std::string> Take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

void CompareSamples(const Json& item, const std::vector<LogSample>& samples, Differences& differences) {
  if (item["statuses"].size() != samples.size()) {
    differences.Add("samples", std::to_string(item["statuses"].size()), std::to_string(samples.size()));
    return;
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    const std::string which = "[" + std::to_string(i) + "]";
    const std::string& status = item["statuses"].At(i).Text();
    if (status != GraphStatusName(samples[i].status)) {
      differences.Add("status" + which, status, std::string(GraphStatusName(samples[i].status)));
    }
    if (const std::string& path = item["model_paths"].At(i).Text(); path != samples[i].model_path.value_or("")) {
      differences.Add("model_path" + which, path, samples[i].model_path.value_or("none"));
    }
    differences.Compare("speedup" + which, item["speedups"].At(i), samples[i].SpeedupE2e());
  }
}

Status CompareScores(const Json& expect, const Scores& scores, Differences& differences) {
  RETURN_IF_ERROR(differences.CompareLevels("S", expect["S"], scores.s));
  RETURN_IF_ERROR(differences.CompareLevels("ES", expect["ES"], scores.es));
  differences.Compare("AS", expect["AS"], scores.aggregated);
  if (expect.Has("AS_old_weights")) {
    differences.Compare("AS_old_weights", expect["AS_old_weights"], scores.aggregated_old_weights);
  }
  if (expect.Has("ES_macro")) RETURN_IF_ERROR(differences.CompareLevels("ES_macro", expect["ES_macro"], scores.es_macro));
  if (expect.Has("macro_check_fails_at") && expect["macro_check_fails_at"] != Json(scores.macro_differs)) {
    differences.Add("macro_check_fails_at", expect["macro_check_fails_at"].Dump(), Json(scores.macro_differs).Dump());
  }
  return OkStatus();
}

Result<std::vector<std::string>> CompareCase(const Json& item) {
  ASSIGN_OR_RETURN(const Computed computed, Compute(item));
  ASSIGN_OR_RETURN(const Json* expect, Typed(item["expect"], &Json::is_object, "expect", "an object"));
  Differences differences;
  if (computed.samples) CompareSamples(item, *computed.samples, differences);
  if (expect->Has("error")) {
    if (computed.scores) differences.Add("outcome", "an error (" + (*expect)["error"].Text() + ")", "a score");
  } else if (!computed.scores) {
    differences.Add("outcome", "a score", "\"" + computed.scores.error().context + "\"");
  } else {
    RETURN_IF_ERROR(CompareScores(*expect, *computed.scores, differences));
  }
  return differences.Take();
}

}  // namespace

Result<std::vector<CaseOutcome>> CheckScoreCases(std::string_view text, const std::string& file) {
  ASSIGN_OR_RETURN(const Json document, ParseJsonObject(text, file));
  if (!document["cases"].is_array()) {
    return InvalidArgument(file + ": a JSON object with an array \"cases\" is expected");
  }
  std::vector<CaseOutcome> outcomes;
  for (const Json& item : document["cases"].Items()) {
    const std::string name = item["name"].TextOr("number " + std::to_string(outcomes.size() + 1));
    auto differences = CompareCase(item);
    if (!differences) return std::move(differences).error().Prefixed(file + ": case " + name);
    outcomes.push_back({name, std::move(differences).value()});
  }
  return outcomes;
}

}  // namespace passnet::passbench
