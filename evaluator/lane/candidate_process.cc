#include "evaluator/lane/candidate_process.h"

#include <algorithm>
#include <string>
#include <string_view>
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
// the next. On a device those are in its memory; the driver's own needs are the lane's to know.
uint64_t MemoryLimit(uint64_t lane_limit, const Side& side) {
  if (side.OnDevice()) return lane_limit;
  const SlotLayout& layout = side.layout();
  return std::min<uint64_t>(lane_limit, (1ull << 30) + (8 + layout.slots) * layout.CallBytes());
}

// Files that travel with a first frame, until it is sent.
class FilesToSend {
 public:
  Status Add(const std::string& name, std::string_view bytes, ForkSpec* spec) {
    ASSIGN_OR_RETURN(UniqueFd file, SharedRegion::FileOf(name, bytes));
    spec->fds.push_back(file.get());
    files_.push_back(std::move(file));
    return OkStatus();
  }

 private:
  std::vector<UniqueFd> files_;
};

}  // namespace

Result<std::unique_ptr<WorkerProcess>> ForkCandidate(const std::shared_ptr<TaskChild>& task,
                                                     const CandidateFork& fork) {
  ForkSpec spec;
  spec.role = fork.replayed == nullptr ? "candidate" : "replay";
  spec.plan = "candidate";
  spec.memory_bytes = MemoryLimit(fork.memory_limit_bytes, fork.side);
  spec.fds = fork.side.memory().Descriptors();
  Json kernels = Json::MakeArray();
  FilesToSend files;
  for (const CompiledKernel& kernel : fork.candidate.kernels) {
    kernels.Push(kernel.stem);
    RETURN_IF_ERROR(files.Add("passnet-kernel", kernel.object, &spec));
  }
  Json first_frame = {{"layout", fork.side.AttachFields()},
                      {"plan", fork.plan},
                      {"call_path", CallPathName(fork.call_path)},
                      {"seed_each_call", task->random()},
                      {"kernels", kernels}};
  if (fork.triton_pack != nullptr) RETURN_IF_ERROR(files.Add("passnet-triton", *fork.triton_pack, &spec));
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
