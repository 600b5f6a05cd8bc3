// The compile child of Triton's passes in its jail: an honest one's kernels are checked, kept and described; a hostile one
// starts nothing but what it sees, leaves nothing odd, and ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "evaluator/compile/triton_compiler.h"
#include "evaluator/compile/triton_pack.h"
#include "tests/fakes/shared_data.h"
#include "tests/gpu_tools/tools_folder.h"

namespace passnet::evaluator {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// x * 2 by an autotuned kernel. %MODULE% and %CALL% stand where hostile text goes.
const char* const kPass = R"(import torch
import triton
import triton.language as tl


@triton.autotune(configs=[triton.Config({"BLOCK": 256}, num_warps=2), triton.Config({"BLOCK": 512}, num_warps=4)],
                 key=["count"])
@triton.jit
def double_kernel(x_ptr, out_ptr, count, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + at, tl.load(x_ptr + at, mask=at < count) * FACTOR, mask=at < count)


FACTOR: tl.constexpr = tl.constexpr(2)


def double(x):
%CALL%
    out = torch.empty_like(x)
    double_kernel[lambda meta: (triton.cdiv(x.numel(), meta["BLOCK"]),)](x, out, x.numel())
    return out


def replacement_func():
    return double
)";
const char* const kModel =
    "import torch\n\n\nclass GraphModule(torch.nn.Module):\n    def forward(self, in_0):\n        return (in_0 * 2,)\n";

Json FilesWith(const std::string& call) {
  std::string text = kPass;
  const std::string place = "%CALL%";
  text.replace(text.find(place), place.size(), call);
  return Json{{"Double.py", text}, {"sorted_output_pass_rule_names.json", "[\"Double\"]"}};
}

TritonGraph GraphOf(const std::string& dtype) {
  TritonGraph graph;
  graph.path = "graphs/" + dtype;
  graph.source = kModel;
  graph.module = "double_" + dtype;
  graph.inputs = Json::MakeArray();
  Json input = {{"name", "in_0"}, {"dtype", dtype}};
  input.Set("shape", std::vector<int>{1000});
  graph.inputs.Push(std::move(input));
  // As a match writes it.
  auto plan = ParseJson(R"({"rewrites": [{"pass": "Double", "matched": ["mul"], "args": [{"node": "l_in_0_"}],
      "outputs": ["mul"], "result": "passnet_call_0", "before": "output"}]})");
  graph.plan = std::move(plan).value();
  return graph;
}

class TritonCompilerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cache_ = std::filesystem::temp_directory_path() / ("triton_compiler_test." + std::to_string(::getpid()));
    there_ = !fakes::InGpuTools("triton").empty();
    if (!there_) return;
    auto made = Make(std::chrono::seconds(100));
    ASSERT_TRUE(made) << made.error().context;
    compiler_.emplace(std::move(made).value());
  }
  static void TearDownTestSuite() {
    compiler_.reset();
    std::filesystem::remove_all(cache_);
  }
  void SetUp() override {
    if (compiler_) return;
    if (fakes::SharedDataIsRequired() || there_) FAIL() << "Triton" << fakes::kNoGpuTools;
    GTEST_SKIP() << "Triton" << fakes::kNoGpuTools;
  }

  static Result<TritonCompiler> Make(std::chrono::seconds wall) {
    TritonCompilerOptions options;
    options.python = fakes::GpuTools() / "bin/python";
    // The tools' own environment, and .venv, whose torch it sees.
    options.folders = {std::filesystem::canonical(fakes::GpuTools()), std::filesystem::path(fakes::SourceDir()) / ".venv"};
    options.worker_dir = std::filesystem::path(fakes::SourceDir()) / "evaluator/worker";
    options.cache_dir = cache_;
    options.architecture = "sm_90";
    options.wall = wall;
    return TritonCompiler::Create(std::move(options), Deadline::After(std::chrono::minutes(2)));
  }

  static TritonCompilation Compile(const TritonCompiler& compiler, const Json& files, const std::vector<TritonGraph>& graphs) {
    auto compiled = compiler.Compile(files, graphs, Deadline::After(std::chrono::minutes(3)));
    EXPECT_TRUE(compiled) << compiled.error().context;
    return compiled ? std::move(compiled).value() : TritonCompilation{Verdict::kInfra, "", "", {}, {}, {}};
  }
  // What becomes of a pass that runs `call` before its kernel.
  static TritonCompilation CompileHostile(const std::string& call) {
    return Compile(*compiler_, FilesWith(call), {GraphOf("float32")});
  }

  static std::filesystem::path cache_;
  static bool there_;
  static std::optional<TritonCompiler> compiler_;
};
std::filesystem::path TritonCompilerTest::cache_;
bool TritonCompilerTest::there_ = false;
std::optional<TritonCompiler> TritonCompilerTest::compiler_;

TEST_F(TritonCompilerTest, KernelsOfEveryGraphAreCompiledOnceAndKept) {
  const std::vector<TritonGraph> graphs = {GraphOf("float32"), GraphOf("float16")};
  const TritonCompilation first = Compile(*compiler_, FilesWith("    pass"), graphs);
  ASSERT_EQ(first.verdict, Verdict::kOk) << first.reason << first.diagnostics.diagnostics;
  EXPECT_FALSE(first.diagnostics.cached);
  auto files = ReadTritonPack(first.pack, "sm_90");
  ASSERT_TRUE(files) << files.error().context;
  // A kernel for each type and configuration, with its metadata, and a choice for each type.
  EXPECT_THAT(files.value(), SizeIs(2 * 2 * 2 + 2));
  ASSERT_THAT(first.kernels, SizeIs(4));
  EXPECT_EQ(first.kernels[0].graph, "graphs/float32");
  EXPECT_THAT(first.kernels[0].what, AllOf(HasSubstr("double_kernel(x_ptr: *fp32, "), HasSubstr("BLOCK=256; num_warps=2")));
  ASSERT_THAT(first.autotuned, SizeIs(2));
  EXPECT_THAT(first.autotuned[0].what, AllOf(HasSubstr("double_kernel: BLOCK=256, num_warps=2"), HasSubstr("(not measured)")));

  const TritonCompilation again = Compile(*compiler_, FilesWith("    pass"), graphs);
  EXPECT_TRUE(again.diagnostics.cached);
  EXPECT_EQ(again.pack, first.pack);
  ASSERT_THAT(again.autotuned, SizeIs(2));
  EXPECT_EQ(again.autotuned[1].what, first.autotuned[1].what);
}

TEST_F(TritonCompilerTest, KernelThatDoesNotCompileIsToldWithItsWords) {
  Json files = FilesWith("    pass");
  std::string text = files["Double.py"].Text();
  text.replace(text.find("* FACTOR"), 8, "* missing");
  files.Set("Double.py", text);
  const TritonCompilation broken = Compile(*compiler_, files, {GraphOf("float32")});
  EXPECT_EQ(broken.verdict, Verdict::kCompile);
  EXPECT_THAT(broken.reason, HasSubstr("its kernels could not be compiled for graphs/float32: "));
  EXPECT_THAT(broken.diagnostics.diagnostics, AllOf(HasSubstr("missing is not defined"), Not(HasSubstr("/tmp/passnet"))));
  EXPECT_THAT(broken.pack, IsEmpty());
}

// It runs a stranger's Python: whatever it tries to start is not there, or may not be started.
TEST_F(TritonCompilerTest, ChildStartsNothingElse) {
  const TritonCompilation tried = CompileHostile(R"(    import os, shutil, subprocess, triton
    ptxas = os.path.join(os.path.dirname(triton.__file__), "backends/nvidia/bin/ptxas")
    shutil.copy(ptxas, "/tmp/own"), shutil.copy(ptxas, "/box/own")
    os.chmod("/tmp/own", 0o755), os.chmod("/box/own", 0o755)
    told = []
    for program in ("/bin/sh", "/usr/bin/gcc", "/usr/bin/g++", "/usr/bin/env", "/tmp/own", "/box/own", "/proc/self/fd/9"):
        try:
            subprocess.run([program, "--version"], check=True)
            told.append(program + " started")
        except OSError as error:
            told.append(program + " " + error.strerror)
    raise RuntimeError("; ".join(told)))");
  EXPECT_EQ(tried.verdict, Verdict::kCompile);
  EXPECT_THAT(tried.reason, AllOf(HasSubstr("/bin/sh No such file"), HasSubstr("/usr/bin/gcc No such file"),
                                  HasSubstr("/tmp/own Permission denied"), HasSubstr("; own Permission denied")))
      << tried.diagnostics.diagnostics;
  EXPECT_THAT(tried.reason, Not(HasSubstr("started")));
}

TEST_F(TritonCompilerTest, ForgedProductsAreTampering) {
  const std::pair<const char*, const char*> forged[] = {
      {"    import os\n    os.symlink('/etc/passwd', 'result.json')\n    os._exit(0)", "result.json: symbolic link"},
      {"    import os\n    open('result.json', 'w').write('{\"error\": null}')\n"
       "    open('kernels.pack', 'wb').truncate(1 << 26)\n    os._exit(0)",
       "its compiled kernels: "},
  };
  for (const auto& [call, told] : forged) {
    const TritonCompilation tried = CompileHostile(call);
    EXPECT_EQ(tried.verdict, Verdict::kTamper) << call << tried.reason;
    EXPECT_THAT(tried.reason, HasSubstr(told)) << call;
    EXPECT_THAT(tried.pack, IsEmpty());
  }
}

// Laid into Triton's own folder, beside what it compiled.
TEST_F(TritonCompilerTest, OddCacheIsNotHandedOn) {
  const TritonCompilation extra = CompileHostile(
      "    import os\n    os.mkdir('triton-cache/' + 'A' * 52)\n"
      "    open('triton-cache/' + 'A' * 52 + '/k.cubin', 'w').write('#!/bin/sh')");
  EXPECT_EQ(extra.verdict, Verdict::kTamper) << extra.reason;
  EXPECT_THAT(extra.reason, HasSubstr("is no kernel"));
}

TEST_F(TritonCompilerTest, ChildThatNeverEndsIsEnded) {
  auto hasty = Make(std::chrono::seconds(20));
  ASSERT_TRUE(hasty) << hasty.error().context;
  // A process of its own that outlives nothing either.
  const TritonCompilation hung = Compile(
      hasty.value(), FilesWith("    import os, signal, time\n    if os.fork() == 0:\n        os.setsid()\n"
                               "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    while True:\n        time.sleep(1)"),
      {GraphOf("float32")});
  EXPECT_EQ(hung.verdict, Verdict::kTimeout) << hung.reason;
  EXPECT_THAT(hung.reason, HasSubstr("not done within 20 s"));
}

}  // namespace
}  // namespace passnet::evaluator
