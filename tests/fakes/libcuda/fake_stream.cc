#include "tests/fakes/libcuda/fake_stream.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

// glibc's own clone: ThreadSanitizer puts another in front of it, which hands the child something on the caller's stack.
extern "C" int __clone(int (*run)(void*), void* stack, int flags, void* argument, ...);

namespace passnet::fakes {
namespace {

// Calls of the kernel that leave errno alone where they succeed: it is shared with the process.
void RestFor(long microseconds) {
  const timespec turn{microseconds / 1'000'000, microseconds % 1'000'000 * 1000};
  ::syscall(SYS_nanosleep, &turn, nullptr);
}

void AwaitTurn(const FakeCudaControl& control) {
  const std::atomic<uint32_t>* others = control.others.load();
  if (others != nullptr && others->load() != 0) RestFor(control.turn_us.load());
}

void Do(const FakeOperation& operation) {
  switch (operation.kind) {
    case FakeOperation::kCopy:
      for (size_t i = 0; i < operation.bytes; ++i) operation.to[i] = operation.from[i];
      return;
    case FakeOperation::kSet:
      for (size_t i = 0; i < operation.bytes; ++i) operation.to[i] = static_cast<std::byte>(operation.value);
      return;
    case FakeOperation::kLaunch: {
      uint64_t copies[8];
      void* parameters[8];
      for (int i = 0; i < 8; ++i) {
        copies[i] = operation.parameters[i];
        parameters[i] = &copies[i];
      }
      operation.run(parameters);
    }
  }
}

}  // namespace

std::unique_ptr<FakeStream> FakeStream::Create(const FakeCudaControl* control) {
  std::unique_ptr<FakeStream> made(new FakeStream);
  made->control_ = control;
  void* stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return nullptr;
  made->stack_ = static_cast<std::byte*>(stack);
  made->worker_ = ::__clone(&FakeStream::Work, made->stack_ + kStackBytes, CLONE_VM | CLONE_FS | CLONE_FILES, made.get());
  return made;
}

FakeStream::~FakeStream() {
  if (worker_ > 0) {
    ::kill(worker_, SIGKILL);
    ::waitpid(worker_, nullptr, __WALL);
  }
  if (stack_ != nullptr) ::munmap(stack_, kStackBytes);
}

void FakeStream::Push(const FakeOperation& operation) {
  const uint64_t at = queued_.load();
  while (at - done_.load() >= kQueue) ::sched_yield();
  queue_[at % kQueue] = operation;
  queued_.store(at + 1);
  if (worker_ < 0) {
    while (DoNext()) continue;
  }
}

bool FakeStream::DoNext() {
  const uint64_t next = done_.load();
  if (next == queued_.load() || control_->hangs.load()) return false;
  const FakeOperation& operation = queue_[next % kQueue];
  if (operation.kind == FakeOperation::kSet) AwaitTurn(*control_);
  Do(operation);
  done_.store(next + 1);
  return true;
}

int FakeStream::Work(void* stream) {
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  static_cast<FakeStream*>(stream)->WorkOff();
  return 0;
}

// A lane has a dozen streams, most of which wait: looking as often as the one that works would take a core.
void FakeStream::WorkOff() {
  constexpr long kLeastRestUs = 20, kMostRestUs = 200;
  long rest_us = kLeastRestUs;
  while (true) {
    if (DoNext()) {
      rest_us = kLeastRestUs;
    } else {
      RestFor(rest_us);
      rest_us = std::min(rest_us + rest_us / 8, kMostRestUs);
    }
  }
}

}  // namespace passnet::fakes
