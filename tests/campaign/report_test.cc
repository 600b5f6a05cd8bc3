#include "agent/campaign/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "agent/campaign/cost_bound.h"
#include "agent/campaign/spec.h"
#include "prompts/prompt_set.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::agent {
namespace {

using ::testing::HasSubstr;

TEST(CampaignSpecTest, JsonAndBack) {
  CampaignSpec spec;
  spec.name = "n";
  spec.tasks.path = "/t";
  spec.endpoint.name = "openai";
  spec.refine.sampling.model = "m";
  spec.refine.sampling.temperature = 0.5;
  spec.refine.scoring.call_path = evaluator::CallPath::kDirect;
  auto read = CampaignSpecFromJson(ToJson(spec));
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_EQ(ToJson(read.value()), ToJson(spec));
  EXPECT_EQ(read.value().refine.scoring.call_path, evaluator::CallPath::kDirect);
}

TEST(CampaignSpecTest, JsonProblemsAreAllNamed) {
  auto read = CampaignSpecFromJson(R"({"name":3,"sampling":{"max_tokens":0},"colour":1})");
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().context, HasSubstr("name: expected a text"));
  EXPECT_THAT(read.error().context, HasSubstr("sampling.max_tokens: out of range"));
  EXPECT_THAT(read.error().context, HasSubstr("colour: unknown key"));
}

TEST(CampaignSpecTest, SamplesAndLimitsAreCheckedTogether) {
  const std::string base = R"("name":"n","tasks":{"path":"/t"},"endpoint":{"name":"e"},"sampling":{"model":"m"})";
  EXPECT_TRUE(CampaignSpecFromJson("{" + base + R"(,"samples":8,"stop_after_solved":2})"));
  auto more = CampaignSpecFromJson("{" + base + R"(,"samples":2,"stop_after_solved":3})");
  ASSERT_FALSE(more);
  EXPECT_THAT(more.error().context, HasSubstr("stop_after_solved: is more than there are samples"));
  auto unpriced = CampaignSpecFromJson("{" + base + R"(,"budget":{"trajectory_usd":1}})");
  ASSERT_FALSE(unpriced);
  EXPECT_THAT(unpriced.error().context, HasSubstr("budget.trajectory_usd: needs prices"));
  EXPECT_FALSE(CampaignSpecFromJson("{" + base + R"(,"samples":1001})"));
}

TEST(CampaignSpecTest, EachSampleHasTheNextSeedAndTheSameTemperature) {
  CampaignSpec spec;
  spec.refine.sampling.seed = INT64_MAX;
  spec.refine.sampling.temperature = 0.7;
  EXPECT_EQ(OptionsOfSample(spec, 1).sampling.seed, INT64_MAX);
  EXPECT_EQ(OptionsOfSample(spec, 2).sampling.seed, INT64_MIN);
  EXPECT_EQ(OptionsOfSample(spec, 3).sampling.temperature, 0.7);
  spec.refine.sampling.seed.reset();
  EXPECT_FALSE(OptionsOfSample(spec, 5).sampling.seed);
}

TEST(CampaignSpecTest, HostileJsonIsRefused) {
  auto read = CampaignSpecFromJson(std::string(1'000'000, '['));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(read.error().context, HasSubstr("nested deeper than"));
}

TEST(ResolveTasksTest, BundledTasksAreFoundWithStableHashes) {
  auto tasks = ResolveTasks({fakes::SourceDir() + "/tasks", {"rope", "swiglu"}});
  ASSERT_TRUE(tasks) << tasks.error().context;
  ASSERT_EQ(tasks.value().size(), 2u);
  EXPECT_EQ(tasks.value()[0].name, "rope");
  EXPECT_NE(tasks.value()[0].hash, tasks.value()[1].hash);
  EXPECT_THAT(ResolveTasks({fakes::SourceDir() + "/tasks", {"ropes"}}).error().context,
              HasSubstr("no task is called ropes"));
  EXPECT_FALSE(ResolveTasks({fakes::SourceDir() + "/configs", {}}));
}

// One task of one graph, two samples, three rounds: every figure of the bound by hand.
TEST(CostBoundTest, CountsEveryRoundOfEverySampleAtItsLongest) {
  CampaignSpec spec;
  spec.tasks.path = fakes::SourceDir() + "/tasks/rope";
  spec.samples = 2;
  spec.refine.rounds.rounds = 3;
  spec.refine.sampling.max_tokens = 1000;
  spec.refine.prices = {1.0, 2.0};
  spec.budget.total_usd = 0.01;
  auto tasks = ResolveTasks(spec.tasks);
  ASSERT_TRUE(tasks);
  auto bound = BoundOf(spec, tasks.value());
  ASSERT_TRUE(bound) << bound.error().context;
  EXPECT_EQ(bound.value().calls, 6);
  EXPECT_DOUBLE_EQ(bound.value().completion_tokens, 6000);
  spec.refine.rounds.rounds = 1;
  auto one_round = BoundOf(spec, tasks.value());
  // Rounds 2 and 3 send what was said before: 1 + 2 replies, and as many feedbacks of 80 KiB, for each sample.
  EXPECT_DOUBLE_EQ(bound.value().prompt_tokens,
                   3 * one_round.value().prompt_tokens + 2 * 3 * (1000 + 80 * 1024));
  EXPECT_DOUBLE_EQ(*bound.value().usd, (bound.value().prompt_tokens + 2 * 6000) / 1e6);
  EXPECT_DOUBLE_EQ(*bound.value().limit_usd, 0.01);
  EXPECT_FALSE(bound.value().limit_tokens);
}

TEST(CostBoundTest, BudgetThatIsNotReachedEndsNothing) {
  CampaignSpec spec;
  spec.tasks.path = fakes::SourceDir() + "/tasks/rope";
  spec.refine.prices = {1.0, 2.0};
  spec.budget.total_usd = 1e5;
  spec.budget.total_tokens = 1'000'000'000'000;
  const auto tasks = ResolveTasks(spec.tasks).value();
  const auto ample = BoundOf(spec, tasks).value();
  EXPECT_FALSE(ample.limit_usd);
  EXPECT_FALSE(ample.limit_tokens);
  spec.budget.total_tokens = 1000;
  EXPECT_EQ(BoundOf(spec, tasks).value().limit_tokens, 1000);
}

TEST(CostBoundTest, CountsThePromptsThatAreSent) {
  CampaignSpec spec;
  spec.tasks.path = fakes::SourceDir() + "/tasks/rope";
  const auto tasks = ResolveTasks(spec.tasks).value();
  const double shipped = BoundOf(spec, tasks).value().prompt_tokens;
  fakes::TempFolder folder("prompts");
  std::ofstream(folder / "refine_system.md") << prompts::ShippedPrompts().at("refine_system") << std::string(1000, '\n');
  spec.prompts = folder.path();
  EXPECT_DOUBLE_EQ(BoundOf(spec, tasks).value().prompt_tokens,
                   shipped + 1000.0 * static_cast<double>(spec.refine.rounds.rounds));
  spec.prompts = folder / "none";
  EXPECT_FALSE(BoundOf(spec, tasks)) << "a folder that is not there is found before anything is launched";
}

}  // namespace
}  // namespace passnet::agent
