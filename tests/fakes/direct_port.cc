#include "tests/fakes/direct_port.h"

#include <type_traits>

namespace passnet::fakes {

template <typename T>
Result<T> DirectPort::Counted(Result<T> answer) {
  if (answer) {
    if (!std::is_same_v<T, evaluator::TaskDescription>) ++tally_.succeeded;
  } else if (others_times-- > 0) {
    tally_.failed_elsewhere += others_meanwhile.failed_elsewhere;
    tally_.failed_of_measured += others_meanwhile.failed_of_measured;
    tally_.succeeded += others_meanwhile.succeeded;
  }
  return answer;
}

Task<Result<evaluator::EvaluationReport>> DirectPort::Evaluate(agent::Asker, evaluator::EvaluateRequest request,
                                                               std::stop_token) {
  co_return Counted(client_->Evaluate(request, Deadline::Never(), {}));
}

Task<Result<evaluator::BaselineReport>> DirectPort::Baseline(agent::Asker, evaluator::BaselineRequest request,
                                                             std::stop_token) {
  co_return Counted(client_->Baseline(request, Deadline::Never(), {}));
}

Task<Result<evaluator::TaskDescription>> DirectPort::DescribeTask(agent::Asker, evaluator::DescribeTaskRequest request,
                                                                  std::stop_token) {
  co_return Counted(client_->DescribeTask(request, Deadline::Never()));
}

Task<Result<std::map<std::string, std::string>>> DirectPort::Environment(std::stop_token) {
  co_return client_->Environment(Deadline::Never());
}

}  // namespace passnet::fakes
