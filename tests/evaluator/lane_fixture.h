// A real lane for the tests of a suite: one passnet-evaluator process, its caches in the build folder.
// Threads: thread-compatible. A lane that does not start fails the test, because every supported host can start one:
// `passnet doctor` says why this one cannot.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "evaluator/candidate/candidate.h"
#include "evaluator/client/lane_client.h"
#include "tests/fakes/paths.h"

namespace passnet::evaluator {

class LaneTest : public testing::Test {
 protected:
  void SetUp() override {
    if (lane_ != nullptr) return;
    auto lane = StartOne();
    ASSERT_TRUE(lane.has_value()) << lane.error().context;
    lane_ = std::move(lane).value();
  }
  static void TearDownTestSuite() { lane_.reset(); }

  // Beside the suite's own, for a case that wants one which has seen nothing.
  static Result<std::unique_ptr<LaneClient>> StartOne() {
    return StartLane(Options(), Deadline::After(std::chrono::minutes(3)));
  }

  static LaneClientOptions Options() {
    LaneClientOptions options;
    options.evaluator_binary = fakes::BinaryDir() + "/bin/passnet-evaluator";
    options.cache_dir = fakes::BinaryDir() + "/test-cache";
    return options;
  }

  static std::filesystem::path Source(const std::string& relative) {
    return std::filesystem::path(fakes::SourceDir()) / relative;
  }

  static EvaluateRequest RequestFor(const std::filesystem::path& task, const std::filesystem::path& pass_dir) {
    EvaluateRequest request;
    request.evaluation_id = "test-" + pass_dir.filename().native();
    request.purpose = "test";
    request.task.path = task.native();
    request.files = ReadPassDir(pass_dir).value();
    request.profile = Profile::kQuick;
    request.time_cap = std::chrono::milliseconds(100);  // what is asked is seldom how fast
    return request;
  }

  Result<EvaluationReport> Evaluate(const EvaluateRequest& request) {
    return lane_->Evaluate(request, Deadline::After(std::chrono::minutes(10)), {});
  }

  // One a suite: starting it (torch, Dynamo, a first capture) costs more than most cases. Each case leaves it usable, or a
  // fresh one takes its place with the next request.
  static inline std::unique_ptr<LaneClient> lane_;
};

}  // namespace passnet::evaluator
