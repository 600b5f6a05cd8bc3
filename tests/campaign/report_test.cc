#include "agent/campaign/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/campaign/spec.h"
#include "tests/fakes/paths.h"

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

}  // namespace
}  // namespace passnet::agent
