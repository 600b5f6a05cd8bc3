#include "tests/hostile/suite.h"

#include <algorithm>
#include <cstdio>

namespace passnet::hostile {
namespace {

const std::vector<std::string>& Expected(const Case& wanted) {
  const bool unscreened = wanted.ablate == kTextLayers;
  return unscreened ? wanted.specimen.unscreened : wanted.specimen.expect;
}

}  // namespace

std::string CaseName(const testing::TestParamInfo<Case>& info) {
  const std::string again = info.param.again > 0 ? "_" + std::to_string(info.param.again) : "";
  return info.param.specimen.name + (info.param.ablate.empty() ? "" : "_unscreened") + again;
}

std::string Suite::Wrong(const Case& wanted, const Outcome& outcome) {
  const std::vector<std::string>& expected = Expected(wanted);
  if (std::find(expected.begin(), expected.end(), outcome.ended) == expected.end()) {
    return "ended " + outcome.ended + " (" + outcome.reason + ") instead of " + Joined(expected);
  }
  if (wanted.specimen.row == "honest" || outcome.ended != "OK") return "";
  const auto earned = trials_.Earned(wanted.specimen, wanted.ablate);
  if (!earned) {
    ADD_FAILURE() << earned.error().context;
    return "its twin is not OK";
  }
  if (outcome.gain <= earned.value()) return "";
  return "was paid " + std::to_string(outcome.gain) + ", its honest part earns " + std::to_string(earned.value());
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
  auto tried = trials_.Run(wanted.specimen, wanted.ablate);
  ASSERT_TRUE(tried) << tried.error().context;
  const Outcome outcome = std::move(tried).value();
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
  trials_ = Trials(evaluator::Profile::kQuick);
}

}  // namespace passnet::hostile
