// What a witness may answer, and what becomes of it: the process is scripted, the reading is the product's own.
#include "evaluator/lane/witness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluator/device/cpu_device.h"
#include "tests/evaluator/fake_zygote.h"

namespace passnet::evaluator {
namespace {

using fakes::FakeZygote;
using fakes::kJailed;
using fakes::WorkerScript;
using testing::HasSubstr;

// $NONCE stands for the one that it was asked with.
constexpr const char* kHonest =
    R"({"nonce": $NONCE, "functions": 4, "operations": [{"name": "aten::empty", "count": 4}], )"
    R"("kernels": [{"name": "fused", "count": 4}], "copied": 0, "unexplained": 0, "lost": false, "replay": {"why": "", "calls": []}, )"
    R"("device_kernels": [{"name": "fused", "count": 4, "ns": 9000}]})";

GraphFacts FourCalls() {
  GraphFacts facts;
  facts.layout = MakeLayout({}, {}, 4);
  facts.estimate_us = 1;
  return facts;
}

Result<Witness> Testimony(const WorkerScript& child, std::chrono::milliseconds limit = std::chrono::seconds(30)) {
  const GraphFacts facts = FourCalls();
  const auto make = [&](Side& side) -> Result<std::optional<CallFailure>> {
    ForkSpec spec;
    spec.role = "candidate";
    spec.first_frame = "{}";
    ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(FakeZygote::Of(child), spec, Deadline::After(std::chrono::seconds(30))));
    RETURN_IF_ERROR(process->Stop());
    side.Take(std::move(process), false);
    return std::optional<CallFailure>();
  };
  CpuDevice device;
  return Testify({facts, make, 1, limit, device});
}

WorkerScript Telling(const std::string& words) { return {.answers = {kJailed}, .testimony = words}; }

TEST(WitnessTest, WordsBecomeFacts) {
  auto witness = Testimony(Telling(kHonest));
  ASSERT_TRUE(witness.has_value()) << witness.error().context;
  EXPECT_FALSE(witness.value().failure);
  EXPECT_EQ(witness.value().calls, 4);
  EXPECT_EQ(witness.value().functions, 4u);
  ASSERT_EQ(witness.value().operations.size(), 1u);
  EXPECT_EQ(witness.value().operations[0].name, "aten::empty");
  ASSERT_EQ(witness.value().kernels.size(), 1u);
  EXPECT_EQ(witness.value().kernels[0].count, 4u);
  ASSERT_EQ(witness.value().device_kernels.size(), 1u);
  EXPECT_EQ(witness.value().device_kernels[0].nanoseconds, 9000u);
  EXPECT_TRUE(witness.value().same_without_kernels) << "a graph without outputs has no other answers";
}

TEST(WitnessTest, WordsThatAreNoneAreTheCandidatesDoing) {
  const std::string honest = kHonest;
  const auto changed = [&](const std::string& part, const std::string& other) {
    std::string text = honest;
    return text.replace(text.find(part), part.size(), other);
  };
  std::string many;
  for (int i = 0; i < 300; ++i) many += std::string(i > 0 ? ", " : "") + R"({"name": "a", "count": 1})";
  const std::vector<std::string> broken = {
      "", "5", "[1]", "{}", std::string(1'000'000, '['), changed("$NONCE", "7"), changed("$NONCE", "\"$NONCE\""),
      changed("\"functions\": 4", "\"functions\": -1"), changed("\"functions\": 4", "\"functions\": \"4\""),
      changed("\"aten::empty\"", "5"), changed("\"aten::empty\"", "\"" + std::string(200, 'x') + "\""),
      changed("{\"name\": \"aten::empty\", \"count\": 4}", many), changed("\"count\": 4", "\"count\": 0"),
      changed("\"lost\": false", "\"lost\": 0"), changed("\"copied\": 0, ", ""), std::string(2u << 20, ' ')};
  for (const std::string& words : broken) {
    SCOPED_TRACE(words.substr(0, 80));
    auto witness = Testimony(Telling(words));
    ASSERT_TRUE(witness.has_value()) << witness.error().context;
    ASSERT_TRUE(witness.value().failure);
    EXPECT_EQ(witness.value().failure->kind, CallFailureKind::kProtocol);
    EXPECT_LT(witness.value().failure->text.size(), 1000u);
  }
}

TEST(WitnessTest, EndingOrHangingIsAFailureLikeAnyOther) {
  auto died = Testimony({.answers = {kJailed}, .dies = true});
  ASSERT_TRUE(died.has_value()) << died.error().context;
  ASSERT_TRUE(died.value().failure);
  EXPECT_EQ(died.value().failure->kind, CallFailureKind::kDied);
  EXPECT_EQ(died.value().failure->end.signal, SIGKILL);
  auto hung = Testimony({.answers = {kJailed}, .commands = {"never"}}, std::chrono::milliseconds(200));
  ASSERT_TRUE(hung.has_value()) << hung.error().context;
  ASSERT_TRUE(hung.value().failure);
  EXPECT_EQ(hung.value().failure->kind, CallFailureKind::kTimeout);
}

}  // namespace
}  // namespace passnet::evaluator
