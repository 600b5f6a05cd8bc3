#include "evaluator/lane/triton_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace passnet::evaluator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Paths = std::vector<std::string>;

TritonGraph GraphAt(const std::string& path) { return {path, "", "", Json::MakeArray(), Json::MakeObject()}; }

// A compiler that fails for what holds one of `bad`; `asked`: the graphs of each run.
class FakeTriton {
 public:
  explicit FakeTriton(std::map<std::string, Verdict> bad) : bad_(std::move(bad)) {}

  Result<std::vector<TritonKernels>> Compile(const std::vector<TritonGraph>& graphs) {
    return CompileTriton([this](const std::vector<TritonGraph>& some) { return Run(some); }, graphs, &told);
  }

  std::vector<Paths> asked;
  std::vector<CompileDiagnostics> told;

 private:
  Result<TritonCompilation> Run(const std::vector<TritonGraph>& graphs) {
    asked.emplace_back();
    TritonCompilation compilation;
    compilation.diagnostics = {"Triton", true, false, 1.5, ""};
    for (const TritonGraph& graph : graphs) asked.back().push_back(graph.path);
    for (const TritonGraph& graph : graphs) {
      compilation.kernels.push_back({graph.path, "rows(x: *fp32)"});
      compilation.autotuned.push_back({graph.path, "rows: BLOCK=256"});
      compilation.pack += graph.path + ";";
      const auto found = bad_.find(graph.path);
      if (found == bad_.end()) continue;
      compilation = {found->second, "wrong for " + graph.path, "", {}, {}, {"Triton", false, false, 1.5, "its words"}};
      break;
    }
    return compilation;
  }

  const std::map<std::string, Verdict> bad_;
};

TEST(TritonKernelsTest, OneRunForAllGraphsWhichShareItsKernels) {
  FakeTriton triton({});
  const auto kernels = triton.Compile({GraphAt("a"), GraphAt("b")}).value();
  EXPECT_THAT(triton.asked, ElementsAre(Paths{"a", "b"}));
  ASSERT_THAT(kernels, SizeIs(2));
  for (const TritonKernels& one : kernels) {
    EXPECT_EQ(one.verdict, Verdict::kOk);
    EXPECT_EQ(*one.pack, "a;b;");
  }
  ASSERT_THAT(triton.told, SizeIs(1));
  EXPECT_EQ(triton.told[0].diagnostics, "autotuned rows: BLOCK=256 for a\nautotuned rows: BLOCK=256 for b\n"
                                        "compiled rows(x: *fp32) for a\ncompiled rows(x: *fp32) for b\n");
}

TEST(TritonKernelsTest, GraphForWhichItFailsDoesNotTakeTheOthersAlong) {
  FakeTriton triton({{"b", Verdict::kCompile}});
  const auto kernels = triton.Compile({GraphAt("a"), GraphAt("b"), GraphAt("c")}).value();
  EXPECT_THAT(triton.asked, ElementsAre(Paths{"a", "b", "c"}, Paths{"a"}, Paths{"b"}, Paths{"c"}));
  ASSERT_THAT(kernels, SizeIs(3));
  EXPECT_EQ(*kernels[0].pack, "a;");
  EXPECT_EQ(kernels[1].verdict, Verdict::kCompile);
  EXPECT_EQ(kernels[1].reason, "wrong for b");
  EXPECT_FALSE(kernels[1].pack);
  EXPECT_EQ(*kernels[2].pack, "c;");
  // What is told is of the runs that count.
  ASSERT_THAT(triton.told, SizeIs(3));
  EXPECT_EQ(triton.told[1].file, "Triton (b)");
  EXPECT_EQ(triton.told[1].diagnostics, "its words");
}

TEST(TritonKernelsTest, OneThatHangsIsNotAskedAgainForEachGraph) {
  for (const Verdict verdict : {Verdict::kTimeout, Verdict::kOutOfMemory, Verdict::kCrash, Verdict::kTamper}) {
    FakeTriton triton({{"b", verdict}});
    const auto kernels = triton.Compile({GraphAt("a"), GraphAt("b")}).value();
    EXPECT_THAT(triton.asked, SizeIs(1));
    for (const TritonKernels& one : kernels) EXPECT_EQ(one.verdict, verdict);
  }
}

TEST(TritonKernelsTest, NothingIsAskedForNoGraph) {
  FakeTriton triton({});
  EXPECT_THAT(triton.Compile({}).value(), IsEmpty());
  EXPECT_THAT(triton.asked, IsEmpty());
}

TEST(TritonKernelsTest, WhatFailsOnOurSideIsAnError) {
  std::vector<CompileDiagnostics> told;
  const auto broken = [](const std::vector<TritonGraph>&) -> Result<TritonCompilation> {
    return Error{ErrorCode::kUnavailable, "no jail"};
  };
  EXPECT_THAT(CompileTriton(broken, {GraphAt("a")}, &told).error().context, HasSubstr("no jail"));
}

}  // namespace
}  // namespace passnet::evaluator
