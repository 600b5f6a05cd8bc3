#include "evaluator/lane/clean_end.h"

namespace passnet::evaluator {

std::optional<std::string> WrongAfterAnswer(WorkerProcess& process, Deadline deadline) {
  if (!process.AwaitExit(deadline)) return "it answered and did not end";
  const auto more = process.channel().ReceiveFrame(deadline, 0);
  if (more || more.error().code != ErrorCode::kUnavailable) return "it wrote more after its answer";
  const WorkerEnd end = process.End();
  // A parent that is gone is our trouble, and the next fork tells.
  if (end.known && (end.signal != 0 || end.exit_code != 0)) return "it answered and then " + end.Text();
  return std::nullopt;
}

}  // namespace passnet::evaluator
