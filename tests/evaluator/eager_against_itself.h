// Eager as a candidate against eager, on graphs of the real tasks: all load, capture and pass; none may raise a flag.
// Threads: thread-compatible. A lane and the shared data are needed.
#pragma once

#include <algorithm>
#include <string>

#include "passbench/inputs.h"
#include "tests/evaluator/lane_fixture.h"
#include "tests/evaluator/passbench_subset.h"

namespace passnet::evaluator {

class EagerAgainstItselfTest : public LaneTest {
 protected:
  void SetUp() override {
    PASSNET_NEEDS_SHARED_DATA("passbench/INDEX.tsv");
    LaneTest::SetUp();
  }

  // Nothing of such a graph's inputs can change, so a constant would do.
  static bool NothingIsDrawn(const passbench::Task& task, const std::string& path) {
    for (const passbench::Graph& graph : task.graphs) {
      if (graph.path != path) continue;
      return std::all_of(graph.inputs.begin(), graph.inputs.end(), [](const passbench::TensorMeta& meta) {
        const bool floating = std::string(passbench::DTypeName(meta.dtype)).find("float") != std::string::npos;
        if (meta.IsRanged()) return passbench::AsDouble(*meta.min_val) == passbench::AsDouble(*meta.max_val);
        return passbench::KindOf(meta) == passbench::InputKind::kFixed && (meta.data.has_value() || !floating);
      });
    }
    return false;
  }

  Result<BaselineReport> Measure(const PassBenchSubset& subset, std::chrono::milliseconds time_cap, Deadline deadline) {
    BaselineRequest request;
    request.task.path = subset.dir().native();
    request.compiler = BaselineCompiler::kEager;
    request.profile = Profile::kQuick;
    request.time_cap = time_cap;
    return lane_->Baseline(request, deadline, {});
  }

  void ExpectPasses(const PassBenchSubset& subset) {
    auto report = Measure(subset, std::chrono::milliseconds(150), Deadline::After(std::chrono::minutes(14)));
    ASSERT_TRUE(report.has_value()) << report.error().context;
    EXPECT_EQ(static_cast<int>(report.value().graphs.size()), subset.graphs());
    const auto task = passbench::LoadTask(subset.dir());
    ASSERT_TRUE(task.has_value()) << task.error().context;
    for (const GraphReport& graph : report.value().graphs) {
      EXPECT_EQ(graph.status, GraphStatus::kCorrect) << graph.path << ": " << graph.reason;
      const bool fixed = NothingIsDrawn(task.value(), graph.path);
      EXPECT_EQ(graph.verdict, fixed ? Verdict::kTrivial : Verdict::kOk) << graph.path << ": " << graph.reason;
    }
  }
};

}  // namespace passnet::evaluator
