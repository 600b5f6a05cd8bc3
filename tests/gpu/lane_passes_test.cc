// Whole evaluations on a device: passes of three tasks against eager and beside TorchInductor, a second eager process, and passes
// that try to be paid for nothing. On a GPU the passes are Triton's and CUDA's, on the stand-in those of the CPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "evaluator/candidate/candidate.h"
#include "evaluator/client/lane_client.h"
#include "tests/fakes/paths.h"
#include "tests/gpu/device_under_test.h"

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;

const fakes::DeviceUnderTest& UnderTest() { return fakes::TheDevice(); }
fs::path Source(const std::string& relative) { return fs::path(fakes::SourceDir()) / relative; }

class DeviceLaneTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!UnderTest().why_not.empty()) GTEST_SKIP() << UnderTest().why_not;
    if (lane_ != nullptr) return;
    LaneClientOptions options;
    options.evaluator_binary = fakes::BinaryDir() + "/bin/passnet-evaluator";
    options.cache_dir = fakes::BinaryDir() + "/test-cache";
    options.device = UnderTest().lane_device;
    options.further = UnderTest().lane_arguments;
    auto lane = StartLane(options, Deadline::After(std::chrono::minutes(5)));
    ASSERT_TRUE(lane.has_value()) << lane.error().context;
    lane_ = std::move(lane).value();
  }
  static void TearDownTestSuite() { lane_.reset(); }

  static Result<EvaluationReport> Evaluate(const fs::path& task, std::vector<CandidateFile> files) {
    EvaluateRequest request;
    request.evaluation_id = "gpu-" + task.filename().native();
    request.purpose = "test";
    request.device = UnderTest().lane_device;
    request.task.path = task.native();
    request.files = std::move(files);
    request.profile = Profile::kQuick;
    request.time_cap = Cap();
    return lane_->Evaluate(request, Deadline::After(std::chrono::minutes(10)), {});
  }
  static Result<BaselineReport> Baseline(const fs::path& task, BaselineCompiler compiler) {
    BaselineRequest request;
    request.task.path = task.native();
    request.device = UnderTest().lane_device;
    request.compiler = compiler;
    request.profile = Profile::kQuick;
    request.time_cap = Cap();
    request.use_cache = false;
    return lane_->Baseline(request, Deadline::After(std::chrono::minutes(20)), {});
  }

  // No figure comes from the stand-in: as little time as there can be.
  static std::chrono::milliseconds Cap() { return std::chrono::milliseconds(UnderTest().stand_in ? 50 : 0); }

  static inline std::unique_ptr<LaneClient> lane_;
};

void Say(const std::string& who, const GraphReport& graph) {
  std::printf("%s, %s: %s, eager %.1f us, it %.1f us, speed-up %.3f (noise %.3f, control %.3f) %s\n", who.c_str(),
              graph.path.c_str(), VerdictName(graph.verdict), graph.eager_us.value_or(0), graph.candidate_us.value_or(0),
              graph.speedup_call.value_or(0), graph.noise.value_or(0), graph.control.value_or(0), graph.reason.c_str());
  for (const KernelUse& kernel : graph.kernels) {
    std::printf("  %g x %s, %.1f us%s\n", kernel.launches, kernel.name.c_str(), kernel.device_us, kernel.own ? "" : " (a library's)");
  }
}

// Three of each kind, each right on all graphs of its task. How fast they are is printed, and nobody's test. TorchInductor
// keeps more digits between the operators that it fuses than eager does, so that it need not be close to it.
TEST_F(DeviceLaneTest, PassesAreRightBesideEagerAndInductor) {
  std::vector<const char*> tasks = {"swiglu", "residual_rmsnorm", "bias_gelu_layernorm"};
  if (UnderTest().stand_in) tasks.resize(1);
  for (const char* task : tasks) {
    const fs::path folder = Source("tasks") / task;
    for (const std::string& kind : UnderTest().pass_folders) {
      SCOPED_TRACE(kind + "/" + task);
      auto files = ReadPassDir(Source("tests/fixtures/" + kind) / task);
      ASSERT_TRUE(files) << files.error().context;
      const auto report = Evaluate(folder, std::move(files).value());
      ASSERT_TRUE(report) << report.error().context;
      EXPECT_EQ(report.value().verdict, Verdict::kOk) << report.value().reason;
      for (const GraphReport& graph : report.value().graphs) Say(kind + "/" + task, graph);
    }
    const auto inductor = Baseline(folder, BaselineCompiler::kInductor);
    ASSERT_TRUE(inductor) << inductor.error().context;
    for (const GraphReport& graph : inductor.value().graphs) {
      EXPECT_TRUE(graph.verdict == Verdict::kOk || graph.verdict == Verdict::kIncorrect) << graph.path << ": " << graph.reason;
      EXPECT_TRUE(graph.speedup_call) << graph.path;
      Say("inductor", graph);
    }
  }
}

// Measuring eager against itself is what every figure rests on: bench_aa_noise has the spread of many.
TEST_F(DeviceLaneTest, SecondEagerProcessIsMeasuredLikeAContender) {
  const auto report = Baseline(Source("tasks/swiglu"), BaselineCompiler::kEager);
  ASSERT_TRUE(report) << report.error().context;
  for (const GraphReport& graph : report.value().graphs) {
    EXPECT_EQ(graph.verdict, Verdict::kOk) << graph.path << ": " << graph.reason;
    EXPECT_TRUE(graph.speedup_call && graph.control);
    EXPECT_EQ(graph.max_abs_diff, 0) << "the same operators on the same inputs";
    Say("eager", graph);
  }
}

// One that answers with what it was given is wrong, on whatever device.
TEST_F(DeviceLaneTest, WrongPassIsIncorrect) {
  const std::string text = R"(import torch


def pattern(packed):
    halves = packed.chunk(2, dim=-1)
    return torch.nn.functional.silu(halves[0], False) * halves[1]


def replacement_args(packed):
    return (packed,)


@torch.fx.wrap
def half(packed):
    out = torch.empty((*packed.shape[:-1], packed.shape[-1] // 2), dtype=packed.dtype, device=packed.device)
    out.copy_(packed[..., : out.shape[-1]])
    return out


def replacement_func():
    return half
)";
  const auto report = Evaluate(Source("tasks/swiglu"), {{"Half.py", text}, {"sorted_output_pass_rule_names.json", "[\"Half\"]"}});
  ASSERT_TRUE(report) << report.error().context;
  EXPECT_EQ(report.value().verdict, Verdict::kIncorrect) << report.value().reason;
}

}  // namespace
}  // namespace passnet::evaluator
