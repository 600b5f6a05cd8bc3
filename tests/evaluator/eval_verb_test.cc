// passnet eval, baseline and doctor through the real binary: the contract of --json and of exit codes.
#include <gtest/gtest.h>

#include <cstdio>

#include "evaluator/api/json.h"
#include "tests/fakes/paths.h"

namespace passnet::evaluator {
namespace {

struct Outcome {
  int exit_code = -1;
  std::string output;
  std::string LastLine() const {
    size_t end = output.find_last_not_of('\n');
    size_t begin = output.rfind('\n', end);
    return output.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
  }
};

Outcome Passnet(const std::string& arguments) {
  std::string command = fakes::BinaryDir() + "/bin/passnet " + arguments + " 2>&1";
  Outcome outcome;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return outcome;
  char buffer[4096];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) outcome.output.append(buffer, got);
  outcome.exit_code = WEXITSTATUS(::pclose(pipe));
  return outcome;
}

const std::string kCache = " --cache-dir " + fakes::BinaryDir() + "/test-cache";
const std::string kTask = " --task " + fakes::SourceDir() + "/tasks/rope";

TEST(EvalVerbTest, JsonHoldsTheContract) {
  Outcome outcome = Passnet("eval" + kTask + " --pass " + fakes::SourceDir() + "/tests/fixtures/passes/rope --profile quick --json" + kCache);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  const Json json = ParseJson(outcome.LastLine()).value();
  EXPECT_EQ(json["schema"], "passnet.evaluation/1");
  for (const char* key : {"task", "profile", "device", "call_path", "verdict", "aggregated_score", "upstream_score", "es",
                          "graphs", "compile", "sandbox", "environment", "timings_ms"}) {
    EXPECT_TRUE(json.Has(key)) << key;
  }
  for (const char* key : {"path", "dtype", "status", "verdict", "reason", "speedup_call", "speedup_upstream", "speedup_device",
                          "eager_us", "candidate_us", "noise", "control", "control_noise", "floor_us", "matched_nodes",
                          "coverage", "max_abs_diff", "tolerances_ok", "pairs"}) {
    EXPECT_TRUE(json["graphs"].At(0).Has(key)) << key;
  }
  EXPECT_TRUE(json["es"].Has("-10"));
  EXPECT_TRUE(json["es"].Has("4"));
  // Read back from the candidate's own process: filters stack, the last one is the candidate's.
  std::string layers = json["sandbox"]["layers"].Dump();
  EXPECT_NE(layers.find("seccomp"), std::string::npos) << layers;
  EXPECT_NE(layers.find("namespaces: user,mount,pid,net,ipc,uts"), std::string::npos) << layers;
  EXPECT_NE(layers.find("capabilities: none"), std::string::npos) << layers;
}

TEST(EvalVerbTest, MistakesAreNamedWithExitCodeTwo) {
  Outcome missing = Passnet("eval --task /nonexistent --pass " + fakes::SourceDir() + "/tests/fixtures/passes/rope" + kCache);
  EXPECT_EQ(missing.exit_code, 2) << missing.output;
  EXPECT_NE(missing.output.find("/nonexistent"), std::string::npos);
  EXPECT_EQ(Passnet("eval" + kTask).exit_code, 2);
  EXPECT_EQ(Passnet("eval" + kTask + " --pass /nonexistent/pass_dir" + kCache).exit_code, 2);
  Outcome device = Passnet("eval" + kTask + " --device cuda:0 --pass " + fakes::SourceDir() + "/tests/fixtures/passes/rope" + kCache);
  EXPECT_EQ(device.exit_code, 2) << device.output;
}

TEST(EvalVerbTest, HelpShowsAnExample) {
  for (const char* verb : {"eval", "baseline", "doctor"}) {
    Outcome help = Passnet(std::string(verb) + " --help");
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_NE(help.output.find("passnet " + std::string(verb)), std::string::npos) << help.output;
  }
}

TEST(DoctorVerbTest, ThisHostCanEvaluate) {
  Outcome outcome = Passnet("doctor --json" + kCache);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  const Json json = ParseJson(outcome.LastLine()).value();
  EXPECT_EQ(json["schema"], "passnet.doctor/1");
  EXPECT_TRUE(json["ok"].Flag());
}

TEST(BaselineVerbTest, InductorIsMeasuredOnceAndThenCached) {
  std::string verb = "baseline --compiler inductor --profile quick --json" + kTask + kCache;
  Outcome first = Passnet(verb);
  ASSERT_EQ(first.exit_code, 0) << first.output;
  const Json json = ParseJson(first.LastLine()).value();
  EXPECT_EQ(json["schema"], "passnet.baseline/1");
  for (const Json& graph : json["graphs"].Items()) {
    // TorchInductor keeps fp32 between the operators of a low-precision graph, which eager rounds: close, but not at t = -5.
    const bool low_precision = graph["dtype"].Text() != "float32";
    EXPECT_TRUE(graph["status"].Text() == "correct" || (low_precision && graph["status"].Text() == "accuracy")) << graph.Dump();
    EXPECT_TRUE(graph["speedup_call"].is_number()) << graph.Dump();
  }
  const Json again = ParseJson(Passnet(verb).LastLine()).value();
  EXPECT_TRUE(again["cached"].Flag());
  EXPECT_EQ(again["graphs"], json["graphs"]);
}

}  // namespace
}  // namespace passnet::evaluator
