// PassBench's figures of merit: S(t), the error-aware ES(t) and the aggregated speed-up AS. The one score code of the
// product: the evaluator's own figures, the upstream emulation and `passnet score` all come through here.
// Threads: thread-safe functions on immutable values.
// Errors: kInvalidArgument (no graph, a correct graph without speed-up, a parameter out of range).
// Source: arXiv 2605.29357 and docs/passbench.md, section 8; checked against figures of the original scorer.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "passbench/tolerances.h"

namespace passnet::passbench {

// How a graph ended, in upstream's words. Persisted by name.
enum class GraphStatus {
  kCorrect,        // ran; how close the outputs are is said by the levels at which they are
  kEagerFail,      // the reference did not run: never tolerated
  kReferenceFail,  // likewise
  kCompileFail,
  kShapeMismatch,
  kTypeMismatch,
  kRuntimeFail,
  kPassMiss,
};
std::string_view GraphStatusName(GraphStatus status);
std::optional<GraphStatus> ParseGraphStatus(std::string_view name);

enum class Interpretation {
  kDefault,           // wrong values are tolerated from t = 1, every failure from t = 3; t = -10..4
  kMismatchExtended,  // values 1, shape and type 2, run time and miss 3, compile 4; t = -10..5, AS undefined
};
std::string_view InterpretationName(Interpretation interpretation);
std::optional<Interpretation> ParseInterpretation(std::string_view name);

struct ScoreOptions {
  double p = 0.0;  // a slow-down s < 1 counts as s^(p+1); p >= 0 and finite
  double b = 0.1;  // what a failed graph scores; 0 <= b <= 1
  Interpretation interpretation = Interpretation::kDefault;
};

// One output of a graph that ran, compared with the reference.
struct OutputVerdict {
  std::string dtype;      // of the reference's output: "float16", "int64", …
  bool equal = false;     // bit for bit; decides for types without tolerance
  ToleranceSet close_at;  // levels at which allclose held at this type's tolerance
};

// One graph, ready to be scored.
struct GraphResult {
  GraphStatus status = GraphStatus::kRuntimeFail;
  ToleranceSet correct_at;        // every output is close; ignored unless status is kCorrect
  std::optional<double> speedup;  // >= 0, finite; required when status is kCorrect, ignored otherwise
};

// Levels at which every output is correct; all of them when there is no output, as upstream decides.
ToleranceSet CorrectAt(std::span<const OutputVerdict> outputs);

// For a caller that already knows the levels, as the evaluator's report does.
GraphResult RanWith(const std::vector<int>& tolerances_ok, double speedup);
GraphResult FailedWith(GraphStatus status);

struct Scores {
  std::map<int, double> s;         // t -> S(t)
  std::map<int, double> es;        // t -> ES(t)
  std::map<int, double> es_macro;  // t -> ES(t) from the aggregated parameters; differs when eager failures exist
  std::vector<int> macro_differs;  // t where the two differ by more than upstream's 1e-3
  std::optional<double> aggregated;              // AS; empty for kMismatchExtended, whose t = 5 has no weight
  std::optional<double> aggregated_old_weights;  // with GraphNet's older weight table
};

Result<Scores> Score(std::span<const GraphResult> graphs, const ScoreOptions& options);

// Normalised weight of level t in AS (kMinT..kDefaultMaxT; 0 elsewhere).
double AggregationWeight(int t);
double OldAggregationWeight(int t);

}  // namespace passnet::passbench
