// Reader of upstream's validation.log (PassNet and GraphNet), with upstream's own habits: what its parser takes for a
// sample, a status and a figure is reproduced to the letter, odd as it sometimes is, so that a log scores alike.
// Threads: thread-safe functions, immutable values.
// Errors: kInvalidArgument with the line, where upstream's parser or scorer would die as well.
// Source: docs/passbench.md, section 9.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "passbench/score.h"

namespace passnet::passbench {

// One graph's block of lines.
struct LogSample {
  std::optional<std::string> model_path;  // last word of the [Processing] line
  GraphStatus status = GraphStatus::kEagerFail;
  std::map<std::string, double> speedups;  // "e2e", "gpu"; the last line of each wins
  std::vector<std::string> eager_dtypes;
  std::map<std::string, std::vector<bool>> correctness;  // "[equal]" -> one verdict an output
  int line = 0;                                          // of [Processing]

  std::optional<double> SpeedupE2e() const;
};

// Samples in the order of the log; none for a text without [Processing], from which upstream makes no score.
Result<std::vector<LogSample>> ParseValidationLog(std::string_view text);

// What the scorer sees of a sample. An error where upstream's would index beyond the printed types.
Result<GraphResult> ToGraphResult(const LogSample& sample);

}  // namespace passnet::passbench
