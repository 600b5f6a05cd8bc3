#include "evaluator/lane/zygote.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>

#include "base/json.h"
#include "evaluator/device/cpu_device.h"
#include "evaluator/lane/reference.h"
#include "evaluator/lane/task_child.h"
#include "evaluator/lane/worker_process.h"
#include "sandbox/plan.h"
#include "tests/evaluator/fake_zygote.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;

// A reader in a real lane: the zygote's own plans, a stranger's pattern inside.
class ReaderTest : public testing::TestWithParam<sandbox::LimitsBy> {
 protected:
  static void TearDownTestSuite() { zygotes_.clear(); }

  void SetUp() override {
    std::shared_ptr<Zygote>& zygote = zygotes_[GetParam()];
    if (zygote) return;
    ZygoteOptions options;
    options.python = fakes::SourceDir() + "/.venv/bin/python";
    options.worker_dir = fakes::BinaryDir() + "/lib/worker";
    options.other_cores = {0};
    options.limits_by = GetParam();
    auto started = Zygote::Start(options, Soon());
    ASSERT_TRUE(started.has_value()) << started.error().context;
    zygote = *started;
  }

  static Deadline Soon() { return Deadline::After(std::chrono::minutes(1)); }
  static Zygote& zygote() { return *Shared(); }
  static const std::shared_ptr<Zygote>& Shared() { return zygotes_[GetParam()]; }

  // Whose pattern has this line.
  static std::unique_ptr<WorkerProcess> Trace(const std::string& line) {
    const std::string pass = "import torch\ndef pattern(x):\n    " + line + "\n    return torch.relu(x)\n"
                             "def replacement_args(x):\n    return (x,)\n"
                             "def replacement_func():\n    return pattern\n";
    ForkSpec spec;
    spec.role = "trace";
    spec.plan = "reader";
    spec.memory_bytes = 128ull << 20;
    spec.first_frame = Json{{"files", {{"sorted_output_pass_rule_names.json", "[\"Pass\"]"}, {"Pass.py", pass}}}}.Dump();
    auto process = WorkerProcess::Fork(zygotes_[GetParam()], spec, Soon());
    EXPECT_TRUE(process.has_value()) << process.error().context;
    return process ? std::move(*process) : nullptr;
  }

  // What the tracing process answers; empty when it ended without.
  static std::string AnswerTo(WorkerProcess& process) {
    auto answer = process.channel().ReceiveFrame(Soon(), 1u << 20);
    return answer ? answer->json : "";
  }

 private:
  static inline std::map<sandbox::LimitsBy, std::shared_ptr<Zygote>> zygotes_;
};

TEST_P(ReaderTest, HoldsTooMuchAndIsOutOfMemoryWhereAnHonestOneAnswers) {
  EXPECT_EQ(zygote().rules()->memory != nullptr, std::string(zygote().tier()) == "rlimits");
  auto honest = Trace("y = bytearray(b'x' * (16 << 20))");
  ASSERT_TRUE(honest);
  EXPECT_NE(AnswerTo(*honest).find("\"errors\": []"), std::string::npos) << honest->Output(4000);
  EXPECT_FALSE(honest->End().out_of_memory);
  auto hog = Trace("y = [bytearray(b'x' * (8 << 20)) for i in range(10000)]");
  ASSERT_TRUE(hog);
  EXPECT_EQ(AnswerTo(*hog), "");
  EXPECT_TRUE(hog->End().out_of_memory) << hog->End().Text();
}

TEST_P(ReaderTest, HasNothingThatGoesOnWhileItIsStopped) {
  for (const char* line : {"__import__('signal').setitimer(0, 1)", "__import__('socket').socket(fileno=3).recv(1)",
                           "__import__('fcntl').flock(1, 2)", "open('/dev/zero', 'rb')"}) {
    auto hostile = Trace(line);
    ASSERT_TRUE(hostile);
    // EPERM is 1, EACCES 13.
    EXPECT_NE(AnswerTo(*hostile).find("[Errno 1"), std::string::npos) << line;
  }
  // The same modules, used for what a jailed process may do.
  for (const char* line : {"__import__('signal').signal(18, lambda *_: None)", "__import__('os').write(1, b'x')",
                           "__import__('fcntl').fcntl(1, 3)", "open('/dev/null', 'wb')", "__import__('time').sleep(0.001)"}) {
    auto honest = Trace(line);
    ASSERT_TRUE(honest);
    EXPECT_NE(AnswerTo(*honest).find("\"errors\": []"), std::string::npos) << line;
  }
}

struct KnownGraph {
  std::shared_ptr<TaskChild> child;
  std::shared_ptr<GraphFacts> facts;
};

Result<KnownGraph> KnowFirstGraph(const std::shared_ptr<Zygote>& zygote, const std::string& task, Device& device) {
  ASSIGN_OR_RETURN(const passbench::Task loaded, passbench::LoadTask(fakes::SourceDir() + "/tasks/" + task));
  const passbench::Graph& graph = loaded.graphs.front();
  KnownGraph known;
  ASSIGN_OR_RETURN(known.child, TaskChild::Start(zygote, graph, Deadline::After(std::chrono::minutes(1))));
  ASSIGN_OR_RETURN(known.facts, FactsOf(known.child, graph, {}, device));
  return known;
}

// What every timed process goes through, down to the pages that its results will lie in.
TEST_P(ReaderTest, TimedHeapsLieInHugePages) {
  std::string mode;
  std::getline(std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"), mode);
  if (mode.empty() || mode.find("[never]") != std::string::npos) GTEST_SKIP() << "this system gives no huge pages: " << mode;
  CpuDevice device;
  const auto known = KnowFirstGraph(Shared(), "reduce_broadcast_chain", device);
  ASSERT_TRUE(known) << known.error().context;
  const SlotLayout& layout = known.value().facts->layout;
  ASSERT_GT(layout.HeapBytes(), 8u << 20) << "the graph is too small to tell";
  auto side = Side::Create(layout, device);
  ASSERT_TRUE(side) << side.error().context;
  ASSERT_TRUE(MakeEager(known.value().child, side.value()));
  std::ifstream maps("/proc/" + std::to_string(side.value().process().pid()) + "/smaps");
  size_t huge_kib = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.rfind("AnonHugePages:", 0) == 0) huge_kib += std::stoul(line.substr(14));
  }
  // The memory may begin in a chunk that was free already, and a page of 2 MiB at each end is cut.
  EXPECT_GE(huge_kib, layout.HeapBytes() >> 11);
}

// A floor that was taken in a slow moment accuses no call for good.
TEST_P(ReaderTest, NullPathThatIsMeasuredAnewIsTheLowerOne) {
  CpuDevice device;
  const auto known = KnowFirstGraph(Shared(), "rope", device);
  ASSERT_TRUE(known) << known.error().context;
  GraphFacts& facts = *known.value().facts;
  constexpr double kTooHigh = 1e9, kTooLow = 1e-9;
  const auto with = [&](double told, auto measure) {
    facts.null_path_us[CallPath::kDirect] = told;
    return measure(known.value().child, facts, CallPath::kDirect, 0, device).value();
  };
  EXPECT_EQ(with(kTooHigh, NullPathMicros), kTooHigh) << "known once, it is not measured again unless asked to";
  EXPECT_LT(with(kTooHigh, NullPathAnew), kTooHigh);
  EXPECT_LT(facts.null_path_us[CallPath::kDirect], kTooHigh);
  EXPECT_EQ(with(kTooLow, NullPathAnew), kTooLow);
}

INSTANTIATE_TEST_SUITE_P(Tiers, ReaderTest,
                         testing::Values(sandbox::LimitsBy::kBestOfHost, sandbox::LimitsBy::kPolling));

// What holds for real children, told of processes that never were in a jail.
class BareZygote : public fakes::FakeZygote {
 public:
  using FakeZygote::FakeZygote;
  std::shared_ptr<const WorkerRules> rules() const override { return rules_; }
  int seccomp_filters() const override { return 1; }

 private:
  static std::shared_ptr<const WorkerRules> Made() {
    auto rules = std::make_shared<WorkerRules>();
    rules->plans = {{"candidate", sandbox::CandidatePlan({}).value()}};
    rules->memory = sandbox::MemoryWatch::Start({});
    return rules;
  }
  std::shared_ptr<const WorkerRules> rules_ = Made();
};

TEST(WorkerProcessTest, JailThatIsNotInForceIsRefusedByItsLayer) {
  auto zygote = std::make_shared<BareZygote>(fakes::WorkerScript{.children = {{.answers = {fakes::kJailed}}}});
  ForkSpec spec;
  spec.role = "candidate";
  spec.plan = "candidate";
  spec.first_frame = "{}";
  auto child = WorkerProcess::Fork(zygote, spec, Deadline::After(std::chrono::seconds(20)));
  ASSERT_FALSE(child.has_value());
  EXPECT_EQ(child.error().code, ErrorCode::kPermissionDenied);
  EXPECT_NE(child.error().context.find("sandbox of the candidate process: namespaces: asked for user,mount"), std::string::npos)
      << child.error().context;
}

// A checkout below /tmp was refused once: every child's own /tmp hid the worker and the Python environment.
TEST(ZygoteTest, WorkerBelowTmpIsSeenByItsChildrenAndNothingElseThere) {
  const fakes::TempFolder folder("zygote");
  const fakes::TempFolder other("zygote-beside");
  ASSERT_EQ(folder.path().native().rfind("/tmp/", 0), 0u) << "TMPDIR leads elsewhere";
  fs::permissions(folder.path(), fs::perms(0755));
  ZygoteOptions options;
  options.python = fakes::SourceDir() + "/.venv/bin/python";
  options.worker_dir = folder / "worker";
  options.other_cores = {0};
  fs::copy(fakes::BinaryDir() + "/lib/worker", options.worker_dir, fs::copy_options::recursive);
  const Deadline deadline = Deadline::After(std::chrono::minutes(1));
  auto zygote = Zygote::Start(options, deadline);
  ASSERT_TRUE(zygote.has_value()) << zygote.error().context;

  ForkSpec spec;
  spec.role = "task";
  spec.plan = "task";
  Json input = {{"name", "x"}, {"shape", std::vector<int>{2}}, {"dtype", "float32"}};
  spec.first_frame = Json{{"source", "import torch\nclass GraphModule(torch.nn.Module):\n    def forward(self, x):\n"
                                     "        return (torch.relu(x),)\n"},
                          {"module", "graph"},
                          {"inputs", std::vector<Json>{input}}}
                         .Dump();
  auto child = WorkerProcess::Fork(*zygote, spec, deadline);
  ASSERT_TRUE(child.has_value()) << child.error().context;
  auto description = (*child)->channel().ReceiveFrame(deadline, 1u << 20);
  ASSERT_TRUE(description.has_value()) << description.error().context;
  EXPECT_EQ(description->json.find("\"error\""), std::string::npos) << description->json;
  const std::string root = "/proc/" + std::to_string((*child)->pid()) + "/root";
  EXPECT_TRUE(fs::exists(root + options.worker_dir.native() + "/passnet_worker/zygote.py"));
  EXPECT_FALSE(fs::exists(root + other.path().native()));
}

}  // namespace
}  // namespace passnet::evaluator
