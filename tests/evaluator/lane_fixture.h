// A real lane for a test: one passnet-evaluator process, its caches in the build folder.
// Threads: thread-compatible. Skips with the reason where the host cannot make jails is left to `passnet doctor`: a lane
// that does not start fails the test, because every supported host can.
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
    LaneOptions options;
    options.evaluator_binary = fakes::BinaryDir() + "/bin/passnet-evaluator";
    options.cache_dir = fakes::BinaryDir() + "/test-cache";
    auto lane = StartLane(options, Deadline::After(std::chrono::minutes(3)));
    ASSERT_TRUE(lane.has_value()) << lane.error().context;
    lane_ = std::move(lane).value();
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
    request.time_cap = std::chrono::milliseconds(400);
    return request;
  }

  Result<EvaluationReport> Evaluate(const EvaluateRequest& request) {
    return lane_->Evaluate(request, Deadline::After(std::chrono::minutes(10)), {});
  }

  std::unique_ptr<LaneClient> lane_;
};

}  // namespace passnet::evaluator
