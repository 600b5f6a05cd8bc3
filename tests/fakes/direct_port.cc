#include "tests/fakes/direct_port.h"

namespace passnet::fakes {

Task<Result<evaluator::EvaluationReport>> DirectPort::Evaluate(evaluator::EvaluateRequest request, std::stop_token) {
  co_return client_->Evaluate(request, Deadline::Never(), {});
}

Task<Result<evaluator::BaselineReport>> DirectPort::Baseline(evaluator::BaselineRequest request, std::stop_token) {
  co_return client_->Baseline(request, Deadline::Never(), {});
}

Task<Result<evaluator::TaskDescription>> DirectPort::DescribeTask(evaluator::DescribeTaskRequest request,
                                                                  std::stop_token) {
  co_return client_->DescribeTask(request, Deadline::Never());
}

Task<Result<std::map<std::string, std::string>>> DirectPort::Environment(std::stop_token) {
  co_return client_->Environment(Deadline::Never());
}

}  // namespace passnet::fakes
