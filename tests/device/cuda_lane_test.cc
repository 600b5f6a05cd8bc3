// A whole CUDA lane on a machine without a GPU: evaluator, jails, real torch in the workers, over the stand-in driver, whose
// device memory is the host's. No figure comes from it. In this process, so that a test can say what the device does.
#include <sched.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <string_view>
#include <thread>

#include "evaluator/candidate/candidate.h"
#include "evaluator/client/lane_client.h"
#include "evaluator/lane/evaluator.h"
#include "sandbox/child.h"
#include "tests/fakes/libcuda/control.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kUuid = "GPU-00112233-4455-6677-8899-aabbccddeeff";
constexpr const char* kTask = "tests/hostile/tasks/add_mul";
constexpr const char* kHonest = "hostile/honest/add_mul";

class CudaLaneTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { folder_ = std::make_unique<fakes::TempFolder>("cuda_lane"); }
  static void TearDownTestSuite() {
    evaluator_.reset();
    folder_.reset();
  }
  void SetUp() override {
    if (evaluator_) return;
    auto made = Evaluator::Create(Options(std::chrono::minutes(1)));
    ASSERT_TRUE(made) << made.error().context;
    evaluator_ = std::move(made).value();
  }
  void TearDown() override {
    fake_.hangs = false;
    fake_.throttle = 0;
    fake_.others = nullptr;
    fake_.on_launch = nullptr;
    fs::remove(*folder_ / "locks" / (std::string(kUuid) + ".quarantined"));
  }

  static EvaluatorOptions Options(std::chrono::milliseconds answer_limit) {
    EvaluatorOptions options;
    options.python = fakes::SourceDir() + "/.venv/bin/python";
    options.worker_dir = fakes::BinaryDir() + "/lib/worker";
    options.include_dir = fakes::BinaryDir() + "/lib/include";
    options.cache_dir = *folder_ / "cache";
    options.device = "cuda:0";
    options.cuda.driver_library = options.cuda.nvml_library = fakes::FakeCudaPath();
    // Drawing by this device is ten times slower than by the host. The program below has it draw and compare.
    options.nvrtc = "libnvrtc-that-is-not-there.so.1";
    options.cuda.torch_device = "cpu";
    options.cuda.lock_folder = *folder_ / "locks";
    options.cuda.pci_folder = *folder_ / "pci";
    options.cuda.answer_limit = answer_limit;
    return options;
  }

  static EvaluateRequest RequestWith(std::vector<CandidateFile> files) {
    EvaluateRequest request;
    request.evaluation_id = "test";
    request.task.path = fakes::SourceDir() + "/" + kTask;
    request.files = std::move(files);
    request.device = "cuda:0";
    request.profile = Profile::kQuick;
    request.time_cap = std::chrono::milliseconds(300);
    return request;
  }
  static EvaluateRequest RequestFor(const std::string& passes) {
    return RequestWith(ReadPassDir(fs::path(fakes::SourceDir()) / "tests" / passes).value());
  }

  static RequestHooks Quietly() {
    return {[](const std::string&, int, int) {}, [] { return false; }};
  }
  static EvaluationReport Evaluate(const EvaluateRequest& request) {
    auto report = evaluator_->Evaluate(request, Quietly());
    EXPECT_TRUE(report) << report.error().context;
    return report ? std::move(report).value() : EvaluationReport();
  }

  // What a figure of this device is worth is another matter: a copy by the host on a busy machine decides it.
  static void ExpectCorrect(const GraphReport& graph) {
    EXPECT_EQ(graph.status, GraphStatus::kCorrect) << GraphStatusName(graph.status) << " " << graph.reason;
    EXPECT_THAT(graph.verdict, testing::AnyOf(Verdict::kOk, Verdict::kTrivial, Verdict::kTiming, Verdict::kImplausible, Verdict::kQuarantine))
        << VerdictName(graph.verdict) << ": " << graph.reason;
  }

  fakes::FakeCudaControl& fake_ = fakes::FakeCuda();
  static inline std::unique_ptr<fakes::TempFolder> folder_;
  static inline std::unique_ptr<Evaluator> evaluator_;
};

TEST_F(CudaLaneTest, EnvironmentTellsTheDeviceAndThatItIsNone) {
  const auto& environment = evaluator_->environment();
  EXPECT_EQ(environment.at("device"), "cuda:0");
  EXPECT_EQ(environment.at("gpu_model"), "stand-in");
  EXPECT_EQ(environment.at("gpu_compute_capability"), "9.0");
  EXPECT_TRUE(environment.contains("stand_in"));
  EXPECT_TRUE(fs::exists(*folder_ / "cache/devices" / (std::string(kUuid) + ".json")));
}

TEST_F(CudaLaneTest, KernelOfACandidateIsRightOnBothPaths) {
  EvaluateRequest request = RequestFor(kHonest);
  for (const CallPath path : {CallPath::kDynamo, CallPath::kDirect}) {
    request.call_path = path;
    const EvaluationReport report = Evaluate(request);
    ASSERT_THAT(report.graphs, SizeIs(1));
    const GraphReport& graph = report.graphs[0];
    ExpectCorrect(graph);
    EXPECT_GT(graph.timed_calls, 0);
    EXPECT_TRUE(graph.speedup_call);
    // Before the first round and after each.
    ASSERT_THAT(graph.device_moments, SizeIs(static_cast<size_t>(graph.pairs) + 1));
    EXPECT_EQ(graph.device_moments[0].celsius, 41);
    ASSERT_THAT(report.sandbox.layers, Not(IsEmpty()));
    // Not eager's: a driver lets processes of one user reach into one another.
    const bool own_user = sandbox::SecondUser(0).has_value();
    const auto eagers = Contains("uid: " + std::to_string(sandbox::JailUser()));
    if (own_user) {
      EXPECT_THAT(report.sandbox.layers, AllOf(Contains(StartsWith("uid: ")), Not(eagers)));
    }
  }
}

TEST_F(CudaLaneTest, WrongResultsAreFoundOutInTheCopyOfTheDevice) {
  EvaluateRequest request = RequestFor(kHonest);
  for (CandidateFile& file : request.files) {
    const size_t scaled = file.bytes.find(" * scale[i];");
    if (scaled != std::string::npos) file.bytes.replace(scaled, std::string(" * scale[i];").size(), ";");
  }
  const EvaluationReport report = Evaluate(request);
  EXPECT_EQ(report.verdict, Verdict::kIncorrect) << report.reason;
  EXPECT_THAT(report.reason, HasSubstr("max_abs_diff="));
}

// What the witness hears is heard on this lane too: torch's own operations are no kernel of the candidate's.
TEST_F(CudaLaneTest, TorchInTheCandidatesPlaceIsSeen) {
  const EvaluationReport report = Evaluate(RequestFor("hostile/specimens/G1_operators_py"));
  EXPECT_EQ(report.verdict, Verdict::kDispatch) << report.reason;
}

TEST_F(CudaLaneTest, WhatTheLaneLacksIsNotScored) {
  // This machine may have a toolkit at its usual place.
  if (!evaluator_->environment().contains("nvcc")) {
    const EvaluationReport cuda = Evaluate(RequestFor("fixtures/passes_cu/bias_gelu_layernorm"));
    EXPECT_EQ(cuda.verdict, Verdict::kUnsupported) << cuda.reason;
    EXPECT_THAT(cuda.reason, HasSubstr("this lane (cuda:0) has no nvcc"));
  }
  const EvaluationReport triton = Evaluate(RequestFor("fixtures/passes_triton/bias_gelu_layernorm"));
  EXPECT_EQ(triton.verdict, Verdict::kUnsupported) << triton.reason;
  EXPECT_THAT(triton.reason, HasSubstr("this lane (cuda:0) has no Triton"));
  EXPECT_FALSE(triton.aggregated_score);
}

TEST_F(CudaLaneTest, AnotherDeviceIsAnotherLanes) {
  EvaluateRequest request = RequestFor(kHonest);
  request.device = "cpu";
  const auto refused = evaluator_->Evaluate(request, Quietly());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.error().context, "device cpu: this lane is cuda:0");
}

TEST_F(CudaLaneTest, DescriptionHasTheDevicesFloor) {
  const auto description = evaluator_->Describe({{fakes::SourceDir() + "/" + kTask}, "cuda:0"}, Quietly());
  ASSERT_TRUE(description) << description.error().context;
  ASSERT_THAT(description.value().graphs, SizeIs(1));
  EXPECT_GT(description.value().graphs[0].floor_us, 0);
}

TEST_F(CudaLaneTest, RoundsOfASlowedDeviceAreMadeAgainAndThenTold) {
  fake_.throttle = 0x4;
  const EvaluationReport report = Evaluate(RequestFor(kHonest));
  ASSERT_THAT(report.graphs, SizeIs(1));
  const GraphReport& graph = report.graphs[0];
  ExpectCorrect(graph);
  int repeated = 0;
  for (size_t i = 1; i < graph.device_moments.size(); ++i) {
    EXPECT_THAT(graph.device_moments[i].slowed_by, Contains("power cap"));
    repeated += graph.device_moments[i].repeated ? 1 : 0;
  }
  EXPECT_EQ(repeated, 3);
  EXPECT_EQ(graph.device_moments.size(), static_cast<size_t>(graph.pairs) + 3 + 1);
  EXPECT_FALSE(graph.device_moments.back().repeated) << "a device that stays so is measured as it is";
}

// Others work there from its first round on, until this thread asks whether the device still works: its processes are gone.
TEST_F(CudaLaneTest, WorkThatEndsWithTheCandidateWasItsOwn) {
  static std::atomic<uint32_t> others{0};
  static const std::thread::id ours = std::this_thread::get_id();
  fake_.others = &others;
  fake_.on_launch = [](const char* kernel) {
    if (std::string_view(kernel) == "passnet_health" && std::this_thread::get_id() == ours) others = 0;
  };
  RequestHooks hooks = Quietly();
  hooks.progress = [](const std::string& what, int, int) { others = what.starts_with("measuring") ? 1 : 0; };
  const auto report = evaluator_->Evaluate(RequestFor(kHonest), hooks);
  ASSERT_TRUE(report) << report.error().context;
  ASSERT_THAT(report.value().graphs, SizeIs(1));
  const GraphReport& graph = report.value().graphs[0];
  EXPECT_EQ(graph.verdict, Verdict::kTiming) << graph.reason;
  EXPECT_THAT(graph.reason, HasSubstr("work that it had left on the device"));
  int repeated = 0;
  for (const DeviceMoment& moment : graph.device_moments) {
    if (!moment.repeated) continue;
    EXPECT_THAT(moment.slowed_by, Contains("work of others"));
    ++repeated;
  }
  EXPECT_EQ(repeated, 3);
}

// Infrastructure, and never a candidate's score: who works there has nothing to do with it.
TEST_F(CudaLaneTest, WorkThatGoesOnWithoutTheCandidateIsNobodysScore) {
  static std::atomic<uint32_t> others{0};
  fake_.others = &others;
  RequestHooks hooks = Quietly();
  hooks.progress = [](const std::string& what, int, int) { others = what.starts_with("measuring") ? 1 : 0; };
  const auto report = evaluator_->Evaluate(RequestFor(kHonest), hooks);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kIo) << "kUnavailable would be an evaluator that ended, and twice a crash";
  EXPECT_THAT(report.error().context, HasSubstr(std::string("somebody else works on device ") + kUuid));
}

// Nothing of a lane touches a device that somebody else measures on.
TEST_F(CudaLaneTest, EvaluationWaitsForTheDevice) {
  auto lock = HostLock::Open({*folder_ / "locks", std::string(kUuid) + ".lock", *folder_ / "pci/0000:0a:00.0", "device"});
  ASSERT_TRUE(lock);
  const auto hold = lock.value().Take(Deadline::Never(), {});
  ASSERT_TRUE(hold);
  const unsigned copies = fake_.copies;
  int asked = 0;
  RequestHooks hooks = Quietly();
  hooks.cancelled = [&] { return ++asked > 50; };
  const auto report = evaluator_->Evaluate(RequestFor(kHonest), hooks);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
  EXPECT_GT(asked, 50) << "it waited";
  EXPECT_EQ(fake_.copies, copies);
}

cpu_set_t CoresOfThisThread() {
  cpu_set_t cores;
  EXPECT_EQ(sched_getaffinity(0, sizeof cores, &cores), 0);
  return cores;
}

// The next evaluator of this thread would otherwise find nothing but the other cores of this one.
TEST_F(CudaLaneTest, ThreadHasItsCoresBack) {
  evaluator_.reset();
  const cpu_set_t before = CoresOfThisThread();
  {
    const auto ours = Evaluator::Create(Options(std::chrono::minutes(1)));
    ASSERT_TRUE(ours) << ours.error().context;
    ASSERT_TRUE(ours.value()->Describe({{fakes::SourceDir() + "/" + kTask}, "cuda:0"}, Quietly()));
    const cpu_set_t meanwhile = CoresOfThisThread();
    EXPECT_LT(CPU_COUNT(&meanwhile), CPU_COUNT(&before)) << "this host has too few cores for this to show anything";
  }
  const cpu_set_t after = CoresOfThisThread();
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST_F(CudaLaneTest, DeviceThatHangsIsNobodysScoreAndTheLaneSaysSo) {
  evaluator_.reset();
  auto ours = Evaluator::Create(Options(std::chrono::seconds(10)));
  ASSERT_TRUE(ours) << ours.error().context;
  RequestHooks hooks = Quietly();
  hooks.progress = [this](const std::string& what, int, int) { fake_.hangs = fake_.hangs || what.starts_with("measuring"); };
  const auto report = ours.value()->Evaluate(RequestFor(kHonest), hooks);
  ASSERT_FALSE(report);
  EXPECT_TRUE(fs::exists(*folder_ / "locks" / (std::string(kUuid) + ".quarantined")));
  // A lane that comes up later is refused with the reason, and one that is up does no work.
  fake_.hangs = false;
  const auto later = Evaluator::Create(Options(std::chrono::minutes(1)));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(later.error().context, HasSubstr(std::string("device ") + kUuid + " is quarantined since"));
  const auto again = ours.value()->Evaluate(RequestFor(kHonest), Quietly());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(again.error().context, HasSubstr("quarantined"));
}

// The same through the program, as the daemon starts it.
TEST_F(CudaLaneTest, ProgramServesTheLane) {
  const std::string bandwidth = evaluator_->environment().at("gpu_bandwidth_gb_s");
  evaluator_.reset();
  LaneClientOptions options;
  options.evaluator_binary = fakes::BinaryDir() + "/bin/passnet-evaluator";
  options.cache_dir = (*folder_ / "cache").native();
  options.device = std::string("cuda:") + kUuid;
  options.further = {"--driver-library", fakes::FakeCudaPath(), "--management-library", fakes::FakeCudaPath(), "--nvrtc", fakes::FakeCudaPath(),
                     "--torch-device", "cpu", "--lock-folder", (*folder_ / "locks").native()};
  auto lane = StartLane(options, Deadline::After(std::chrono::minutes(3)));
  ASSERT_TRUE(lane) << lane.error().context;
  EvaluateRequest request = RequestFor(kHonest);
  request.device = options.device;
  const auto report = lane.value()->Evaluate(request, Deadline::After(std::chrono::minutes(5)), {});
  ASSERT_TRUE(report) << report.error().context;
  ExpectCorrect(report.value().graphs.at(0));
  EXPECT_EQ(report.value().environment.at("gpu_bandwidth_gb_s"), bandwidth);
  EXPECT_EQ(report.value().environment.at("gpu_compares"), "yes");
  options.device = "cuda:7";
  const auto none = StartLane(options, Deadline::After(std::chrono::minutes(3)));
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().context, HasSubstr("no GPU cuda:7"));
}

}  // namespace
}  // namespace passnet::evaluator
