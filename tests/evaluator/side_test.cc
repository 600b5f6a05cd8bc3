// The order in which a seat's memory is asked around the clock: what a device's lane rests on.
#include "evaluator/lane/side.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "tests/evaluator/fake_zygote.h"

namespace passnet::evaluator {
namespace {

using fakes::FakeZygote;
using fakes::kJailed;

char StateOf(pid_t pid) {
  std::string line;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), line);
  return line[line.rfind(')') + 2];
}

// A signal is on its way for some microseconds.
void AwaitStopped(pid_t pid) {
  while (StateOf(pid) != 'T') ::usleep(100);
}

// Notes what is asked of it and whether the process was stopped then.
class NotingMemory : public SeatMemory {
 public:
  NotingMemory(std::vector<std::string>* notes, bool copies) : SeatMemory({64, 64}), notes_(*notes), copies_(copies) {}
  std::vector<int> Descriptors() const override { return {}; }
  void AddAttachFields(Json* fields) const override { fields->Set("arena_at", 5); }
  Status Stage(std::span<const std::byte>) override { return Note("stage"); }
  Status Reveal(Deadline) override {
    RETURN_IF_ERROR(Note("reveal"));
    return reveal_;
  }
  bool CopiesOutputs() const override { return copies_; }
  Status Snapshot(const FindOutputs& find, Deadline) override {
    RETURN_IF_ERROR(Note("snapshot" + std::to_string(find(Headers()).outputs.size())));
    return snapshot_;
  }
  std::span<const std::byte> Headers() const override { return headers_; }
  Status Read(pid_t, std::span<OutputPart>) override { return OkStatus(); }
  Result<std::span<const std::byte>> InputsAfter(size_t, size_t) override { return std::span<const std::byte>(); }
  Result<std::vector<MemoryRange>> InputsIn(pid_t) override { return std::vector<MemoryRange>(); }
  Status Wipe() override { return OkStatus(); }

  void Watch(pid_t pid) { pid_ = pid; }
  Status reveal_ = OkStatus(), snapshot_ = OkStatus();

 private:
  Status Note(const std::string& what) {
    notes_.push_back(what + (pid_ > 0 ? std::string(" ") + StateOf(pid_) : ""));
    return OkStatus();
  }
  std::vector<std::string>& notes_;
  const bool copies_;
  pid_t pid_ = -1;
  std::array<std::byte, 64> headers_{};
};

struct Seat {
  std::vector<std::string> notes;
  NotingMemory* memory = nullptr;
  std::unique_ptr<Side> side;
};

std::unique_ptr<Seat> SeatOf(bool copies) {
  auto seat = std::make_unique<Seat>();
  auto memory = std::make_unique<NotingMemory>(&seat->notes, copies);
  seat->memory = memory.get();
  seat->side = std::make_unique<Side>(MakeLayout({}, {}, 1), std::move(memory));
  ForkSpec spec;
  spec.role = "candidate";
  spec.first_frame = "{}";
  const fakes::WorkerScript script{.answers = {kJailed}, .testimony = "{}"};
  auto process = WorkerProcess::Fork(FakeZygote::Of(script), spec, Deadline::After(std::chrono::seconds(30)));
  EXPECT_TRUE(process);
  EXPECT_TRUE(process.value()->Stop());
  AwaitStopped(process.value()->pid());
  seat->memory->Watch(process.value()->pid());
  seat->side->Take(std::move(process).value(), false);
  seat->side->Keep([](std::span<const std::byte>) { return KeptRanges{{{1, 2}, {3, 4}}, {}}; });
  return seat;
}

Result<RunTime> Call(Seat& seat) { return seat.side->Run(PN_RUN_CALL, 1, Deadline::After(std::chrono::seconds(30))); }

TEST(SideTest, OutputsAreCopiedInsideOfTheClockFromAStoppedProcess) {
  auto seat = SeatOf(true);
  ASSERT_TRUE(seat->side->Fill({}));
  ASSERT_TRUE(Call(*seat));
  ASSERT_EQ(seat->notes.size(), 3u);
  EXPECT_EQ(seat->notes[0], "stage T");
  EXPECT_EQ(seat->notes[1], "reveal T") << "what is revealed earlier can be worked on earlier";
  EXPECT_EQ(seat->notes[2].substr(0, 9), "snapshot2");
  AwaitStopped(seat->side->process().pid());
}

TEST(SideTest, WhatLiesInTheStoppedProcessIsNotCopied) {
  auto seat = SeatOf(false);
  ASSERT_TRUE(Call(*seat));
  EXPECT_EQ(seat->notes, std::vector<std::string>{"reveal T"});
}

TEST(SideTest, DeviceThatIsKeptBusyIsTheSeatsTimeout) {
  for (const bool at_reveal : {true, false}) {
    auto seat = SeatOf(true);
    (at_reveal ? seat->memory->reveal_ : seat->memory->snapshot_) = Error{ErrorCode::kDeadlineExceeded, "the device is busy"};
    ASSERT_FALSE(Call(*seat));
    ASSERT_TRUE(seat->side->failure());
    EXPECT_EQ(seat->side->failure()->kind, CallFailureKind::kTimeout);
  }
}

TEST(SideTest, DeviceThatFailsIsNobodysFailure) {
  auto seat = SeatOf(true);
  seat->memory->snapshot_ = Internal("cuMemcpyDtoDAsync: CUDA_ERROR_ECC_UNCORRECTABLE");
  ASSERT_FALSE(Call(*seat));
  EXPECT_FALSE(seat->side->failure()) << "infrastructure never becomes a score";
}

TEST(SideTest, AttachTellsTheLayoutAndTheMemory) {
  auto seat = SeatOf(true);
  const Json fields = seat->side->AttachFields();
  EXPECT_TRUE(fields.Has("in_stride"));
  EXPECT_EQ(fields["arena_at"].Integer(), 5);
}

}  // namespace
}  // namespace passnet::evaluator
