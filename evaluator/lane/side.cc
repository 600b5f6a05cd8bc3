#include "evaluator/lane/side.h"

#include <sched.h>
#include <time.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/check.h"
#include "base/ids.h"
#include "evaluator/lane/worker_answer.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::minutes kCommandLimit{15};  // the slowest real graph takes a minute a call

constexpr int kYields = 3;

std::chrono::nanoseconds Now() {
  timespec time{};
  CHECK(::clock_gettime(CLOCK_MONOTONIC, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Status PinToCores(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int core : cores) CPU_SET(static_cast<size_t>(core), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) return Error::FromErrno("sched_setaffinity", "", errno);
  return OkStatus();
}

Status PinProcess(pid_t pid, int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(core), &set);
  std::error_code failed;
  std::filesystem::directory_iterator tasks("/proc/" + std::to_string(pid) + "/task", failed);
  if (failed) return Error::FromErrno("open", "/proc/" + std::to_string(pid) + "/task", failed.value());
  for (const auto& entry : tasks) {
    pid_t thread = std::atoi(entry.path().filename().c_str());
    if (::sched_setaffinity(thread, sizeof set, &set) != 0) {
      return Error::FromErrno("sched_setaffinity", "thread " + std::to_string(thread), errno);
    }
  }
  return OkStatus();
}

Status PinToCore(int core) { return PinToCores({core}); }

Result<Side> Side::Create(const SlotLayout& layout, Device& device) {
  ASSIGN_OR_RETURN(std::unique_ptr<SeatMemory> memory, device.Seats().Take(layout.Sizes()));
  return Side(layout, std::move(memory));
}

std::unique_ptr<SeatMemory> Side::End() && {
  const bool gone = process_ == nullptr || process_->End().known;
  process_.reset();
  if (!gone) return nullptr;
  return std::move(memory_);
}

Json Side::AttachFields() const {
  Json fields = layout_.AttachFields();
  memory_->AddAttachFields(&fields);
  return fields;
}

void Side::Take(std::unique_ptr<WorkerProcess> process, bool calls_graph) {
  process_ = std::move(process);
  calls_graph_ = calls_graph;
}

Result<std::span<const std::byte>> Side::Input(uint32_t slot, size_t index) const {
  const SlotInput& input = layout_.inputs[index];
  return memory_->InputsAfter(slot * layout_.in_stride + input.offset, input.bytes);
}

Result<Json> Side::Command(const Json& command, const std::vector<int>& fds) {
  const Deadline deadline = Deadline::After(kCommandLimit);
  RETURN_IF_ERROR(memory_->Reveal(deadline));
  RETURN_IF_ERROR(process_->Continue());
  auto answer = process_->Command(command, fds, deadline);
  RETURN_IF_ERROR(process_->Stop());
  cpu_when_stopped_.reset();
  return answer;
}

Status ExpectOk(const Result<Json>& answer, const std::string& command) {
  if (!answer) return answer.error();
  const std::string who = "worker command " + command;
  ASSIGN_OR_RETURN(std::optional<std::string> words, ErrorIn(answer.value(), who));
  if (words) return Internal(who + " failed: " + *words);
  bool ok = false;
  RETURN_IF_ERROR(ReadAnswer(answer.value(), who, [&](FieldVisitor& fields) {
    fields.Required("ok");
    fields.Flag("ok", &ok);
  }));
  return ok ? OkStatus() : Status(Internal(who + " failed without a word"));
}

Error Side::NoteFailure(Error error) {
  switch (error.code) {
    case ErrorCode::kUnavailable: failure_ = CallFailure{CallFailureKind::kDied, error.context, process_->End()}; break;
    case ErrorCode::kDeadlineExceeded: failure_ = CallFailure{CallFailureKind::kTimeout, error.context, {}}; break;
    case ErrorCode::kDataCorrupt: failure_ = CallFailure{CallFailureKind::kProtocol, error.context, {}}; break;
    default: break;
  }
  return error;
}

Status Side::CheckAnswer(const RunAnswer& answer, uint32_t kind, uint32_t count) {
  if (!answer.ok) {
    failure_ = CallFailure{CallFailureKind::kException, answer.error, {}};
    return Error{ErrorCode::kInvalidArgument, "the call raised an exception"};
  }
  if (kind != PN_RUN_CALL) return OkStatus();
  graph_calls_ += count;
  if (!calls_graph_ || answer.graph_calls == graph_calls_) return OkStatus();
  failure_ = CallFailure{CallFailureKind::kGraphNotCalled,
                         "the installed graph was called " + std::to_string(answer.graph_calls) + " times in " +
                             std::to_string(graph_calls_) + " calls",
                         {}};
  return Internal(failure_->text);
}

Status Side::StopAndSnapshot(Deadline deadline) {
  RETURN_IF_ERROR(process_->Stop());
  return memory_->Snapshot(find_, deadline);
}

Result<RunTime> Side::Run(uint32_t kind, uint32_t count, Deadline deadline, uint32_t observe) {
  failure_.reset();
  uint64_t nonce = 0;
  FillRandom(&nonce, sizeof nonce);
  if (auto sent = process_->channel().SendRun(kind, 0, count, nonce, observe); !sent) return NoteFailure(sent.error());
  const bool copies = memory_->CopiesOutputs();
  const auto cpu_before = process_->CpuTime();
  const auto started = Now();
  if (auto revealed = memory_->Reveal(deadline); !revealed) return NoteFailure(revealed.error());
  RETURN_IF_ERROR(process_->Continue());
  auto answer = process_->channel().ReceiveRun(nonce, deadline);
  const Status kept = copies && answer ? StopAndSnapshot(deadline) : OkStatus();
  const auto ended = Now();
  if (!answer) return NoteFailure(std::move(answer).error());
  if (!kept) return NoteFailure(kept.error());
  if (!copies) RETURN_IF_ERROR(process_->Stop());
  // On this core the process stops only when it runs next: here, and not inside the next one's clock.
  for (int i = 0; i < kYields; ++i) ::sched_yield();
  const auto cpu_after = process_->CpuTime();
  RETURN_IF_ERROR(CheckAnswer(answer.value(), kind, count));
  RunTime time{ended - started, {}, {}};
  if (cpu_before && cpu_after) time.cpu = *cpu_after - *cpu_before;
  if (cpu_before && cpu_when_stopped_) time.idle = *cpu_before - *cpu_when_stopped_;
  cpu_when_stopped_ = cpu_after;
  return time;
}

}  // namespace passnet::evaluator
