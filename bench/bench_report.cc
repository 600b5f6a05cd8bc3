#include "bench/bench_report.h"

#include <unistd.h>

#include <cstdio>

#include "base/json.h"

namespace passnet::bench {

// "  goal <= 3, missed"; empty without one.
std::string BenchReport::GoalText(const std::string& figure, double value) const {
  const auto found = goals_.find(figure);
  if (found == goals_.end()) return "";
  std::string text;
  for (const auto& [bound, goal] : found->second) {
    const bool met = bound == "min" ? value >= goal : value <= goal;
    char part[64];
    std::snprintf(part, sizeof part, "  goal %s %g%s", bound == "min" ? ">=" : "<=", goal, met ? "" : ", missed");
    text += part;
  }
  return text;
}

void BenchReport::Print(bool json) const {
  if (!json) {
    std::printf("%s\n", name_.c_str());
    for (const auto& [figure, value] : figures_) {
      std::printf("  %-44s %12.4g%s\n", figure.c_str(), value, GoalText(figure, value).c_str());
    }
    return;
  }
  Json figures = Json::MakeObject();
  for (const auto& [figure, value] : figures_) figures.Set(figure, value);
  const Json report = {{"schema", "passnet.bench/1"},
                       {"name", name_},
                       {"figures", figures},
                       {"goals", goals_},
                       {"environment", environment_}};
  std::printf("%s\n", report.Dump().c_str());
}

void Progress(const std::string& what, int done, int total) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (!terminal && done % 10 != 0 && done != total) return;
  std::fprintf(stderr, "%s%s: %d of %d%s", terminal ? "\r" : "", what.c_str(), done, total,
               !terminal || done == total ? "\n" : "");
}

}  // namespace passnet::bench
