#include "agent/campaign/lane_group.h"

#include <algorithm>
#include <stop_token>
#include <utility>

#include "base/check.h"

namespace passnet::agent {
namespace {

int64_t ToDo(const LaneService::Facts& facts) { return facts.queued + (facts.state == "busy" ? 1 : 0); }

}  // namespace

LaneGroup::LaneGroup(std::vector<std::unique_ptr<LaneService>> services) : services_(std::move(services)) {
  CHECK(!services_.empty());
}

LaneService& LaneGroup::LeastBusy() {
  auto least = std::min_element(services_.begin(), services_.end(), [](const auto& left, const auto& right) {
    return ToDo(left->facts()) < ToDo(right->facts());
  });
  return **least;
}

Task<Result<evaluator::EvaluationReport>> LaneGroup::Evaluate(evaluator::EvaluateRequest request, std::stop_token cancel) {
  return LeastBusy().Evaluate(std::move(request), std::move(cancel));
}

Task<Result<evaluator::TaskDescription>> LaneGroup::DescribeTask(evaluator::DescribeTaskRequest request,
                                                                 std::stop_token cancel) {
  return LeastBusy().DescribeTask(std::move(request), std::move(cancel));
}

Task<Result<evaluator::BaselineReport>> LaneGroup::Baseline(evaluator::BaselineRequest request, std::stop_token cancel) {
  return services_.back()->Baseline(std::move(request), std::move(cancel));
}

Task<Result<std::map<std::string, std::string>>> LaneGroup::Environment(std::stop_token cancel) {
  return services_.front()->Environment(std::move(cancel));
}

std::vector<LaneService::Facts> LaneGroup::facts() const {
  std::vector<LaneService::Facts> all;
  for (const auto& service : services_) all.push_back(service->facts());
  return all;
}

std::string LaneGroup::state() const {
  std::string state = "down";
  for (const LaneService::Facts& service : facts()) {
    if (service.state == "busy") return "busy";
    if (service.state == "idle") state = "idle";
  }
  return state;
}

}  // namespace passnet::agent
