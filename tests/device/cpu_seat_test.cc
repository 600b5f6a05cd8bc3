#include "evaluator/device/cpu_seat.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

namespace passnet::evaluator {
namespace {

bool AllZero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

// As the worker maps it, by the order of the descriptors.
std::span<std::byte> Mapped(const SeatMemory& seat, size_t which, size_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, seat.Descriptors()[which], 0);
  EXPECT_NE(at, MAP_FAILED);
  return {static_cast<std::byte*>(at), bytes};
}

TEST(CpuSeatTest, WhatComesBackIsWipedAndUsedAgain) {
  SeatPool pool = CpuSeats();
  auto first = pool.Take({8192, 4096}).value();
  const SeatMemory* known = first.get();
  ASSERT_TRUE(first->Stage(std::vector<std::byte>(8192, std::byte{1})));
  Mapped(*first, 1, 4096)[4095] = std::byte{2};
  EXPECT_FALSE(AllZero(first->Headers()));
  pool.GiveBack(std::move(first));
  auto second = pool.Take({8192, 4096}).value();
  EXPECT_EQ(second.get(), known);
  EXPECT_TRUE(AllZero(second->InputsAfter(0, 8192).value()));
  EXPECT_TRUE(AllZero(second->Headers()));
}

TEST(CpuSeatTest, SeatsOfAnotherSizeStay) {
  SeatPool pool = CpuSeats();
  pool.GiveBack(pool.Take({8192, 4096}).value());
  EXPECT_EQ(pool.Take({4096, 4096}).value()->InputsAfter(0, 4096).value().size(), 4096u);
  EXPECT_EQ(pool.Take({8192, 8192}).value()->Headers().size(), 8192u);
}

TEST(CpuSeatTest, NoTwoSeatsShareMemory) {
  SeatPool pool = CpuSeats();
  auto one = pool.Take({4096, 4096}).value(), other = pool.Take({4096, 4096}).value();
  EXPECT_NE(one->Headers().data(), other->Headers().data());
}

TEST(CpuSeatTest, SeatsWithoutInputsAreSeats) {
  SeatPool pool = CpuSeats();
  pool.GiveBack(pool.Take({0, 4096}).value());
  auto seat = pool.Take({0, 4096}).value();
  EXPECT_TRUE(seat->Stage({}));
  EXPECT_TRUE(seat->InputsAfter(0, 0).value().empty());
}

TEST(CpuSeatTest, WhatIsStagedIsWhatTheWorkerMaps) {
  auto seat = CpuSeat::Create({4096, 4096}).value();
  ASSERT_TRUE(seat->Stage(std::vector<std::byte>(4096, std::byte{7})));
  auto worker = Mapped(*seat, 0, 4096);
  EXPECT_EQ(worker[4095], std::byte{7});
  worker[1] = std::byte{9};  // as a graph does that changes an input in place
  EXPECT_EQ(seat->InputsAfter(1, 1).value()[0], std::byte{9});
}

// A process that has one page of sevens at `address` and waits.
class Owner {
 public:
  explicit Owner(const std::byte* address) : address_(reinterpret_cast<uint64_t>(address)), pid_(::fork()) {
    if (pid_ == 0) {
      while (true) ::pause();
    }
  }
  ~Owner() { End(); }
  void End() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ended_ = std::exchange(pid_, -1);
  }
  pid_t pid() const { return pid_ > 0 ? pid_ : ended_; }
  uint64_t address() const { return address_; }

 private:
  uint64_t address_;
  pid_t pid_, ended_ = -1;
};

TEST(CpuSeatTest, PartsThatCannotBeReadAreSkippedAndSaid) {
  auto seat = CpuSeat::Create({4096, 4096}).value();
  std::array<std::byte, 4096> page;
  page.fill(std::byte{7});
  Owner owner(page.data());
  std::array<std::byte, 16> first{}, last{};
  std::array<std::byte, 16> never{};
  std::array<OutputPart, 3> parts{{{owner.address(), 16, first.data()}, {8, 16, never.data()}, {owner.address() + 64, 16, last.data()}}};
  ASSERT_TRUE(seat->Read(owner.pid(), parts));
  EXPECT_TRUE(parts[0].read);
  EXPECT_FALSE(parts[1].read);
  EXPECT_TRUE(parts[2].read);
  EXPECT_EQ(first[15], std::byte{7});
  EXPECT_EQ(last[15], std::byte{7});
  owner.End();
  EXPECT_EQ(seat->Read(owner.pid(), parts).error().code, ErrorCode::kUnavailable);
}

TEST(CpuSeatTest, WhereInputsLieIsAskedOfTheKernel) {
  auto seat = CpuSeat::Create({8192, 4096}).value();
  auto mapped = Mapped(*seat, 0, 8192);
  const auto here = reinterpret_cast<uint64_t>(mapped.data());
  auto ranges = seat->InputsIn(::getpid()).value();
  EXPECT_TRUE(std::any_of(ranges.begin(), ranges.end(), [&](const MemoryRange& one) {
    return one.begin <= here && one.end >= here + 8192;
  }));
  EXPECT_EQ(seat->InputsIn(1).has_value(), false) << "a process that has not mapped them";
}

}  // namespace
}  // namespace passnet::evaluator
