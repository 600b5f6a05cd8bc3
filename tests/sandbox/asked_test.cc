// What was asked for against what is in force: every layer that differs refuses the jail, by its name.
#include "sandbox/asked.h"

#include <linux/capability.h>
#include <sys/resource.h>

#include <functional>

#include <gmock/gmock.h>

#include "sandbox/plan.h"
#include "sandbox/plan_writer.h"

namespace passnet::sandbox {
namespace {

using testing::HasSubstr;

std::string SmallPlan() {
  PlanWriter plan;
  plan.OomScore(700).Affinity({1, 3}).ResourceLimit(RLIMIT_NOFILE, 128).ResourceLimitWithMargin(RLIMIT_CPU, 60);
  plan.NoNewPrivileges().Capabilities(1ull << CAP_SYS_ADMIN).Seccomp("filter", false);
  return plan.Finish();
}

// What the kernel would say of a process behind that plan whose parent had two filters.
ReadBackReport Fitting() {
  ReadBackReport found;
  found.own_namespaces = {"user", "mount", "pid", "net", "ipc", "uts"};
  found.no_new_privs = true;
  found.seccomp_filters = 3;
  found.effective_capabilities = found.bounding_capabilities = 1ull << CAP_SYS_ADMIN;
  found.uid = 65534;
  found.oom_score_adj = 700;
  found.cores = {1, 3};
  found.limits = {{RLIMIT_NOFILE, {128, 128}}, {RLIMIT_CPU, {60, 61}}, {RLIMIT_CORE, {}}};
  return found;
}

Asked WhatWasAsked() {
  Asked asked = AskedBy(SmallPlan(), 2);
  asked.uid = 65534;
  return asked;
}

TEST(AskedTest, PlanSaysWhatItAsksFor) {
  const Asked asked = WhatWasAsked();
  EXPECT_TRUE(asked.no_new_privs);
  EXPECT_EQ(asked.seccomp_filters, 3);
  EXPECT_EQ(asked.limits.size(), 2u);
  EXPECT_FALSE(CheckInForce(asked, Fitting(), "a test").has_error());
}

TEST(AskedTest, EveryDifferenceIsRefusedByName) {
  const std::pair<const char*, std::function<void(ReadBackReport&)>> kDifferences[] = {
      {"namespaces: asked for user,mount,pid,net,ipc,uts, in force is user,mount,pid,net,ipc",
       [](ReadBackReport& found) { found.own_namespaces.pop_back(); }},
      {"no new privileges: asked for 1, in force is 0", [](ReadBackReport& found) { found.no_new_privs = false; }},
      {"seccomp: asked for 3 filters, in force is 2", [](ReadBackReport& found) { found.seccomp_filters = 2; }},
      {"effective capabilities", [](ReadBackReport& found) { found.effective_capabilities |= 1; }},
      {"bounding capabilities", [](ReadBackReport& found) { found.bounding_capabilities |= 1; }},
      {"user: asked for 65534, in force is 0", [](ReadBackReport& found) { found.uid = 0; }},
      {"user: asked for one for all purposes, in force is several", [](ReadBackReport& found) { found.one_user = false; }},
      {"oom_score_adj: asked for 700, in force is 0", [](ReadBackReport& found) { found.oom_score_adj = 0; }},
      {"cores: asked for 1,3, in force is 1,2,3", [](ReadBackReport& found) { found.cores = {1, 2, 3}; }},
      {"limit open files: asked for 128, in force is unlimited",
       [](ReadBackReport& found) { found.limits[RLIMIT_NOFILE] = {}; }},
      {"limit cpu time (hard): asked for 61, in force is unlimited",
       [](ReadBackReport& found) { found.limits[RLIMIT_CPU].hard = kNoLimit; }},
      {"limit open files: asked for 128, in force is unknown",
       [](ReadBackReport& found) { found.limits.erase(RLIMIT_NOFILE); }}};
  for (const auto& [words, change] : kDifferences) {
    ReadBackReport found = Fitting();
    change(found);
    const Status status = CheckInForce(WhatWasAsked(), found, "the candidate process");
    ASSERT_TRUE(status.has_error()) << words;
    EXPECT_EQ(status.error().code, ErrorCode::kPermissionDenied);
    EXPECT_THAT(status.error().context, HasSubstr(std::string("sandbox of the candidate process: ") + words));
  }
}

// A service manager may have set more.
TEST(AskedTest, HigherOomScoreIsFine) {
  ReadBackReport found = Fitting();
  found.oom_score_adj = 900;
  EXPECT_FALSE(CheckInForce(WhatWasAsked(), found, "a test").has_error());
}

TEST(AskedTest, PlansOfChildrenAskForEveryLayer) {
  const Result<std::string> task = TaskChildPlan({});
  if (!task && task.error().code == ErrorCode::kUnavailable) GTEST_SKIP() << task.error().context;
  CandidateOptions options;
  options.cores = {0};
  for (const auto& [plan, score] : {std::pair(task.value(), 500), std::pair(CandidatePlan(options).value(), 1000)}) {
    const Asked asked = AskedBy(plan, 0);
    EXPECT_TRUE(asked.no_new_privs);
    EXPECT_EQ(asked.seccomp_filters, 1);
    EXPECT_TRUE(asked.capabilities.has_value());
    EXPECT_EQ(asked.oom_score_adj, score);
    EXPECT_EQ(asked.limits.count(RLIMIT_NOFILE), 1u);
  }
  EXPECT_EQ(AskedBy(CandidatePlan(options).value(), 0).limits.at(RLIMIT_SIGPENDING).hard, 0u);
}

}  // namespace
}  // namespace passnet::sandbox
