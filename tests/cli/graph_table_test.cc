#include "cli/graph_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "cli/output.h"
#include "tests/cli/columns.h"

namespace passnet::cli {
namespace {

using evaluator::GraphReport;
using evaluator::Verdict;

GraphReport Measured(const std::string& path, double speedup) {
  GraphReport graph;
  graph.path = path;
  graph.dtype = "float32";
  graph.verdict = Verdict::kOk;
  graph.eager_us = 126.04;
  graph.candidate_us = 126.04 / speedup;
  graph.speedup_call = speedup;
  graph.noise = 0.015;
  graph.control = 1.0;
  graph.control_noise = 0.01;
  graph.floor_us = 12.5;
  graph.pairs = 3;
  return graph;
}

GraphReport Failed(const std::string& path, Verdict verdict, const std::string& reason) {
  GraphReport graph;
  graph.path = path;
  graph.dtype = "bfloat16";
  graph.verdict = verdict;
  graph.reason = reason;
  return graph;
}

TEST(GraphTableTest, FiguresStandWithTheirIntervals) {
  GraphReport capped = Measured("graphs/float32_1/rope_start0_end5_0", 0.91);
  capped.capped = true;
  EXPECT_EQ(GraphTable({Measured("graphs/float32_0/rope_start0_end5_0", 1.31), capped,
                        Failed("graphs/bfloat16_0/rope_start0_end5_0", Verdict::kMiss, "no pattern matched")}),
            "graph          eager  candidate    speed-up     control    floor  verdict  reason\n"
            "float32_0   126.0 µs    96.2 µs  1.31 ±0.02  1.00 ±0.01  12.5 µs  OK\n"
            "float32_1   126.0 µs   138.5 µs  0.91 ±0.01  1.00 ±0.01  12.5 µs  OK       (time cap)\n"
            "bfloat16_0         -          -           -           -        -  MISS     no pattern matched\n");
}

TEST(GraphTableTest, SlowedDeviceIsToldWhereItsRoundCounts) {
  evaluator::DeviceMoment slowed;
  slowed.slowed_by = {"power cap"};
  GraphReport graph = Measured("graphs/float32_0/rope", 1.31);
  graph.device_moments = {{}, slowed};
  EXPECT_NE(GraphTable({graph}).find("(device slowed by power cap)"), std::string::npos);
  graph.device_moments[1].repeated = true;
  EXPECT_EQ(GraphTable({graph}).find("slowed"), std::string::npos) << "that round was made again";
}

// Reasons of a candidate's making once filled a screen a graph.
TEST(GraphTableTest, LongAndHostileReasonsFitTheScreen) {
  const std::string base = "graphs/hf_subgraphs_v2/fusible_subgraphs/";
  const std::string reason = "ValueError: \x1b[31m" + std::string(50, 'w') + " many words of a candidate\nand a line\x07 ";
  std::vector<GraphReport> graphs = {
      Measured(base + "float32/7/samples/mmseg/CGNet/_decomposed/CGNet_start28_end32_3", 1.2),
      Failed(base + "bfloat16/1/samples/timm/rexnet_100.nav_in1k/_decomposed/rexnet_100.nav_in1k_start37_end41_1",
             Verdict::kImplausible, reason + reason + reason + reason)};
  const std::string table = GraphTable(graphs);
  std::istringstream lines(table);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(Columns(line), kScreenColumns) << line;
  EXPECT_LE(count, 16) << table;
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
  EXPECT_EQ(table.find('\x07'), std::string::npos);
  EXPECT_EQ(table.find(base), std::string::npos) << "what all paths begin with tells nothing";
  EXPECT_NE(table.find("R.IMPLAUSIBLE"), std::string::npos) << table;
}

TEST(GraphTableTest, LongReasonIsSaidOnce) {
  const std::string reason = "no pattern matched: pass Bad: pattern node layer_norm did not line up";
  const std::string table = GraphTable({Failed("g/a", Verdict::kMiss, reason), Failed("g/b", Verdict::kMiss, reason),
                                        Failed("g/c", Verdict::kMiss, "short"), Failed("g/d", Verdict::kMiss, "short")});
  EXPECT_EQ(table,
            "graph        eager  candidate  speed-up  control  floor  verdict  reason\n"
            "a, bfloat16      -          -         -        -      -  MISS     no pattern matched: pass Bad: pattern node layer_norm\n"
            "                                                                  did not line up\n"
            "b, bfloat16      -          -         -        -      -  MISS     as above\n"
            "c, bfloat16      -          -         -        -      -  MISS     short\n"
            "d, bfloat16      -          -         -        -      -  MISS     short\n");
}

TEST(GraphTableTest, GraphsAreToldApartByWhatDiffers) {
  const std::string two = GraphTable({Measured("a/b/x/c", 1), Measured("a/b/y/c", 1)});
  EXPECT_NE(two.find("\nx, float32 "), std::string::npos) << two;
  EXPECT_NE(two.find("\ny, float32 "), std::string::npos) << two;
  const std::string one = GraphTable({Measured("a/b/x/c", 1)});
  EXPECT_NE(one.find("\na/b/x/c, float32 "), std::string::npos) << one;
  const std::string same = GraphTable({Measured("a/b", 1), Measured("a/b", 1)});
  EXPECT_NE(same.find("\nb, float32 "), std::string::npos) << same;
  const std::string shorter = GraphTable({Measured("a/b/", 1), Measured("a/b/c", 1)});
  EXPECT_NE(shorter.find("\nc, float32 "), std::string::npos) << shorter;
  EXPECT_EQ(GraphTable({}), "graph  eager  candidate  speed-up  control  floor  verdict  reason\n");
}

TEST(GraphTableTest, RatiosHaveAnIntervalWhereOneWasMeasured) {
  EXPECT_EQ(ShowRatio(1.31, 0.0153), "1.31 ±0.02");
  EXPECT_EQ(ShowRatio(12.0, {}), "12.00");
  EXPECT_EQ(ShowRatio({}, 0.1), "-");
}

TEST(ProgressLineTest, FitsALineAndKeepsTheEnd) {
  EXPECT_EQ(ProgressLine("eval", "screen, compile, trace", 0, 5), "eval  0/5  screen, compile, trace");
  const std::string line = ProgressLine("eval", std::string(200, 'p') + "/µ/float32_0\n\x1b", 3, 5);
  EXPECT_EQ(Columns(line), 79u) << line;
  EXPECT_TRUE(line.starts_with("eval  3/5  …ppp")) << line;
  EXPECT_NE(line.find("/µ/float32_0"), std::string::npos) << line;
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace passnet::cli
