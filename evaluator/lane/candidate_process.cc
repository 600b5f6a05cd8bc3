#include "evaluator/lane/candidate_process.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "evaluator/device/shared_region.h"
#include "evaluator/lane/answers.h"
#include "evaluator/lane/launch_list.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::seconds kCandidateForkLimit{60};
constexpr uint32_t kMaxAnswerBytes = 1u << 20;

// Room for what an honest kernel may want beside the graph's own tensors, and for the outputs of a block, which live until
// the next.
uint64_t MemoryLimit(uint64_t lane_limit, const SlotLayout& layout) {
  return std::min<uint64_t>(lane_limit, (1ull << 30) + (8 + layout.slots) * layout.CallBytes());
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> ForkCandidate(const std::shared_ptr<TaskChild>& task,
                                                     const CandidateFork& fork) {
  ForkSpec spec;
  spec.role = fork.replayed == nullptr ? "candidate" : "replay";
  spec.plan = "candidate";
  spec.memory_bytes = MemoryLimit(fork.memory_limit_bytes, fork.side.layout());
  spec.fds = fork.side.memory().Descriptors();
  Json kernels = Json::MakeArray();
  std::vector<UniqueFd> objects;
  for (const CompiledKernel& kernel : fork.candidate.kernels) {
    kernels.Push(kernel.stem);
    ASSIGN_OR_RETURN(UniqueFd object, SharedRegion::FileOf("passnet-kernel", kernel.object));
    spec.fds.push_back(object.get());
    objects.push_back(std::move(object));
  }
  Json first_frame = {{"layout", fork.side.AttachFields()},
                      {"plan", fork.plan},
                      {"call_path", CallPathName(fork.call_path)},
                      {"seed_each_call", task->random()},
                      {"kernels", kernels}};
  if (fork.replayed == nullptr) {
    first_frame.Set("files", fork.candidate.files);
  } else {
    first_frame.Set("launches", LaunchesJson(*fork.replayed));
  }
  spec.first_frame = first_frame.Dump();
  return WorkerProcess::Fork(task, spec, Deadline::After(kCandidateForkLimit));
}

std::optional<CallFailure> AwaitInstalled(WorkerProcess& process, InstallPatience& patience) {
  const SteadyTime started = Clock::System().Now();
  const Nanos limit = patience.left > Nanos(0) ? patience.limit : patience.limit_once_lost;
  auto frame = process.channel().ReceiveFrame(Deadline::After(limit), kMaxAnswerBytes);
  patience.left -= Clock::System().Now() - started;
  if (!frame) {
    Error error = std::move(frame).error();
    if (error.code == ErrorCode::kDeadlineExceeded) return CallFailure{CallFailureKind::kTimeout, error.context, {}};
    if (error.code == ErrorCode::kDataCorrupt) return CallFailure{CallFailureKind::kProtocol, error.context, {}};
    return CallFailure{CallFailureKind::kDied, error.context, process.End()};
  }
  auto failure = ReadInstalled(frame.value().json);
  if (!failure) return CallFailure{CallFailureKind::kProtocol, failure.error().context, {}};
  return std::move(failure).value();
}

}  // namespace passnet::evaluator
