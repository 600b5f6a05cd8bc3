#include "passbench/score.h"

#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace passnet::passbench {
namespace {

constexpr std::array<std::pair<GraphStatus, std::string_view>, 8> kStatusNames{{
    {GraphStatus::kCorrect, "correct"},
    {GraphStatus::kEagerFail, "eager_fail"},
    {GraphStatus::kReferenceFail, "reference_fail"},
    {GraphStatus::kCompileFail, "compile_fail"},
    {GraphStatus::kShapeMismatch, "shape_mismatch"},
    {GraphStatus::kTypeMismatch, "type_mismatch"},
    {GraphStatus::kRuntimeFail, "runtime_fail"},
    {GraphStatus::kPassMiss, "pass_miss"},
}};

// docs/passbench.md, section 8: upstream's self-check of its two ways to ES(t).
constexpr double kMacroTolerance = 1e-3;
// Above every t: the failure is never forgiven.
constexpr int kNever = kMaxT + 1;

constexpr std::array<double, kDefaultMaxT - kMinT + 1> kWeights{
    0.001, 0.001, 0.001, 0.001, 0.001, 1, 1, 1, 0.8, 0.64, 0.512, 0.4096, 0.32768, 0.262144, 0.001};
constexpr std::array<double, kDefaultMaxT - kMinT + 1> kOldWeights{
    0.001, 0.001, 0.001, 0.13, 0.40, 0.48, 0.48, 0.48, 0.48, 0.48, 0.48, 0.48, 0.48, 0.48, 0.48};

double Normalised(const std::array<double, kDefaultMaxT - kMinT + 1>& table, int t) {
  if (t < kMinT || t > kDefaultMaxT) return 0;
  return table[static_cast<size_t>(t - kMinT)] / std::accumulate(table.begin(), table.end(), 0.0);
}

bool IsReferenceFailure(GraphStatus status) {
  return status == GraphStatus::kEagerFail || status == GraphStatus::kReferenceFail;
}

// The lowest t at which upstream forgives this end; kCorrect stands for values that are not close.
int ForgivenFrom(GraphStatus status, Interpretation interpretation) {
  const bool extended = interpretation == Interpretation::kMismatchExtended;
  switch (status) {
    case GraphStatus::kCorrect: return 1;
    case GraphStatus::kEagerFail:
    case GraphStatus::kReferenceFail: return kNever;
    case GraphStatus::kShapeMismatch:
    case GraphStatus::kTypeMismatch: return extended ? 2 : 3;
    case GraphStatus::kRuntimeFail:
    case GraphStatus::kPassMiss: return 3;
    case GraphStatus::kCompileFail: return extended ? 4 : 3;
  }
  return kNever;
}

bool CorrectAtLevel(const GraphResult& graph, int t) {
  return graph.status == GraphStatus::kCorrect && graph.correct_at.Has(t);
}

double Rectified(double speedup, double p) { return speedup < 1 ? std::pow(speedup, p + 1) : speedup; }

// The verdict of every t >= 1 is the one of t = 1.
int VerdictLevel(int t) { return t < 1 ? t : 1; }

double PlainValue(const GraphResult& graph, int t, const ScoreOptions& options) {
  return CorrectAtLevel(graph, t) ? Rectified(*graph.speedup, options.p) : options.b;
}

double ErrorAwareValue(const GraphResult& graph, int t, const ScoreOptions& options) {
  if (CorrectAtLevel(graph, VerdictLevel(t))) return Rectified(*graph.speedup, options.p);
  return t >= ForgivenFrom(graph.status, options.interpretation) ? 1 : options.b;
}

// As scipy's gmean: the exponential of the mean logarithm, so that b = 0 gives 0.
class GeometricMean {
 public:
  void Add(double value) {
    log_sum_ += std::log(value);
    ++count_;
  }
  size_t count() const { return count_; }
  double value() const { return count_ == 0 ? 1 : std::exp(log_sum_ / static_cast<double>(count_)); }

 private:
  double log_sum_ = 0;
  size_t count_ = 0;
};

double MeanOver(std::span<const GraphResult> graphs, const std::function<double(const GraphResult&)>& value) {
  GeometricMean mean;
  for (const GraphResult& graph : graphs) mean.Add(value(graph));
  return mean.value();
}

// Upstream's aggregated form forgives a failing reference from t = 3, although its per-graph form never does: the
// known disagreement of the two.
int MacroForgivenFrom(GraphStatus status, Interpretation interpretation) {
  return IsReferenceFailure(status) ? 3 : ForgivenFrom(status, interpretation);
}

// ES_t = alpha^lambda * beta^(lambda*eta*p) * gamma_t^(1-lambda).
double MacroEs(std::span<const GraphResult> graphs, int t, const ScoreOptions& options) {
  GeometricMean correct;
  GeometricMean slow;
  size_t untolerated = 0;
  for (const GraphResult& graph : graphs) {
    if (CorrectAtLevel(graph, VerdictLevel(t))) {
      correct.Add(*graph.speedup);
      if (*graph.speedup < 1) slow.Add(*graph.speedup);
    } else if (t < MacroForgivenFrom(graph.status, options.interpretation)) {
      ++untolerated;
    }
  }
  const double total = static_cast<double>(graphs.size());
  const double lambda = static_cast<double>(correct.count()) / total;
  const double slow_share = static_cast<double>(slow.count()) / total;  // lambda * eta
  // gamma^(1-lambda) with gamma = b^(untolerated / failed) and 1 - lambda = failed / total.
  const double failures = std::pow(options.b, static_cast<double>(untolerated) / total);
  return std::pow(correct.value(), lambda) * std::pow(slow.value(), slow_share * options.p) * failures;
}

double Aggregate(const std::map<int, double>& es, double (*weight)(int)) {
  double exponent = 0;
  for (const auto& [t, value] : es) exponent += weight(t) * std::log10(value);
  return std::pow(10.0, exponent);
}

Status Validate(std::span<const GraphResult> graphs, const ScoreOptions& options) {
  if (!(std::isfinite(options.p) && options.p >= 0)) {
    return InvalidArgument("p is " + std::to_string(options.p) + "; a finite number of at least 0 is expected");
  }
  if (!(options.b >= 0 && options.b <= 1)) {
    return InvalidArgument("b is " + std::to_string(options.b) + "; a number in 0..1 is expected");
  }
  if (graphs.empty()) return InvalidArgument("no graph to score: upstream writes no score either");
  for (size_t i = 0; i < graphs.size(); ++i) {
    if (graphs[i].status != GraphStatus::kCorrect) continue;
    const std::string which = "graph " + std::to_string(i + 1) + " of " + std::to_string(graphs.size());
    if (!graphs[i].speedup) {
      return InvalidArgument(which + " ran but has no speed-up (a truncated log?): upstream's scorer dies on it");
    }
    if (!(*graphs[i].speedup >= 0) || !std::isfinite(*graphs[i].speedup)) {
      return InvalidArgument(which + " has the speed-up " + std::to_string(*graphs[i].speedup) +
                             "; a finite number of at least 0 is expected");
    }
  }
  return OkStatus();
}

}  // namespace

std::string_view GraphStatusName(GraphStatus status) {
  for (const auto& [value, name] : kStatusNames) {
    if (value == status) return name;
  }
  return "";
}

std::optional<GraphStatus> ParseGraphStatus(std::string_view name) {
  for (const auto& [value, text] : kStatusNames) {
    if (text == name) return value;
  }
  return std::nullopt;
}

std::string_view InterpretationName(Interpretation interpretation) {
  return interpretation == Interpretation::kDefault ? "default" : "mismatch_extended";
}

std::optional<Interpretation> ParseInterpretation(std::string_view name) {
  if (name == "default") return Interpretation::kDefault;
  if (name == "mismatch_extended") return Interpretation::kMismatchExtended;
  return std::nullopt;
}

ToleranceSet CorrectAt(std::span<const OutputVerdict> outputs) {
  ToleranceSet all = ToleranceSet::All();
  for (const OutputVerdict& output : outputs) {
    const bool has_tolerance = ToleranceAt(output.dtype, 0).has_value();
    all = all & (has_tolerance ? output.close_at : output.equal ? ToleranceSet::All() : ToleranceSet());
  }
  return all;
}

GraphResult RanWith(const std::vector<int>& tolerances_ok, double speedup) {
  return {GraphStatus::kCorrect, ToleranceSet::Of(tolerances_ok), speedup};
}

GraphResult FailedWith(GraphStatus status) { return {status, ToleranceSet(), std::nullopt}; }

Result<Scores> Score(std::span<const GraphResult> graphs, const ScoreOptions& options) {
  RETURN_IF_ERROR(Validate(graphs, options));
  const bool extended = options.interpretation == Interpretation::kMismatchExtended;
  Scores scores;
  for (int t = kMinT; t <= (extended ? kMaxT : kDefaultMaxT); ++t) {
    scores.s[t] = MeanOver(graphs, [&](const GraphResult& graph) { return PlainValue(graph, t, options); });
    scores.es[t] = MeanOver(graphs, [&](const GraphResult& graph) { return ErrorAwareValue(graph, t, options); });
    scores.es_macro[t] = MacroEs(graphs, t, options);
    if (!(std::abs(scores.es[t] - scores.es_macro[t]) < kMacroTolerance)) scores.macro_differs.push_back(t);
  }
  if (!extended) {
    scores.aggregated = Aggregate(scores.es, AggregationWeight);
    scores.aggregated_old_weights = Aggregate(scores.es, OldAggregationWeight);
  }
  return scores;
}

double AggregationWeight(int t) { return Normalised(kWeights, t); }
double OldAggregationWeight(int t) { return Normalised(kOldWeights, t); }

}  // namespace passnet::passbench
