#include "evaluator/device/cuda_seat.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/fakes/libcuda/control.h"

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

constexpr SeatSizes kSizes{4096, 1024, 1 << 16, 8192};
constexpr uint64_t kArena = CudaSeat::kArenaAt;
constexpr std::byte kPoison{CudaSeat::kPoison};

Deadline Soon() { return Deadline::After(std::chrono::seconds(30)); }

class CudaSeatTest : public testing::Test {
 protected:
  void SetUp() override { MakeSeat(kSizes); }
  void TearDown() override { fakes::FakeCuda().hangs = false; }

  void MakeSeat(const SeatSizes& sizes) {
    seat_ = CudaSeat::Create(context_, {"GPU-0"}, sizes).value();
    inputs_ = Imported(1, "inputs_bytes");
    arena_ = Imported(2, "arena_bytes");
  }
  // The memory as a worker maps it.
  CudaMemory Imported(size_t which, const char* bytes) {
    Json fields = Json::MakeObject();
    seat_->AddAttachFields(&fields);
    return CudaMemory::Import(context_, seat_->Descriptors()[which], fields["device"][bytes].Unsigned()).value();
  }
  static std::span<std::byte> Bytes(const CudaMemory& memory) { return {reinterpret_cast<std::byte*>(memory.at()), memory.size()}; }
  static bool All(std::span<const std::byte> bytes, std::byte value) {
    return std::all_of(bytes.begin(), bytes.end(), [&](std::byte one) { return one == value; });
  }
  Status Keep(std::vector<MemoryRange> outputs, std::vector<MemoryRange> inputs = {}) {
    return seat_->Snapshot([&](std::span<const std::byte>) { return KeptRanges{outputs, inputs}; }, Soon());
  }
  // What can be read of the address, or nothing.
  std::vector<std::byte> ReadAt(uint64_t address, size_t bytes) {
    std::vector<std::byte> to(bytes);
    std::vector<OutputPart> parts{{address, bytes, to.data()}};
    EXPECT_TRUE(seat_->Read(0, parts));
    if (!parts[0].read) to.clear();
    return to;
  }

  const std::shared_ptr<const CudaDriver> driver_ = CudaDriver::Load(fakes::FakeCudaPath()).value();
  const std::shared_ptr<const CudaContext> context_ = CudaContext::Of(driver_, 0).value();
  std::unique_ptr<SeatMemory> seat_;
  CudaMemory inputs_, arena_;
};

TEST_F(CudaSeatTest, InputsAreSeenByNobodyBeforeTheyAreRevealed) {
  ASSERT_TRUE(seat_->Stage(std::vector<std::byte>(4096, std::byte{7})));
  EXPECT_TRUE(All(Bytes(inputs_), std::byte{0}));
  ASSERT_TRUE(seat_->Reveal(Soon()));
  EXPECT_TRUE(All(Bytes(inputs_).first(4096), std::byte{7}));
}

TEST_F(CudaSeatTest, LateWritesChangeNothingOfWhatWasKept) {
  std::fill_n(Bytes(arena_).begin(), 64, std::byte{1});
  ASSERT_TRUE(Keep({{kArena, kArena + 64}}));
  std::fill_n(Bytes(arena_).begin(), 64, std::byte{2});
  EXPECT_EQ(ReadAt(kArena, 64), std::vector<std::byte>(64, std::byte{1}));
  EXPECT_EQ(ReadAt(kArena + 16, 48).size(), 48u);
}

TEST_F(CudaSeatTest, InputsThatTheGraphChangesAreKeptToo) {
  ASSERT_TRUE(seat_->Stage(std::vector<std::byte>(4096, std::byte{7})));
  ASSERT_TRUE(seat_->Reveal(Soon()));
  Bytes(inputs_)[64] = std::byte{8};
  ASSERT_TRUE(Keep({}, {{64, 128}}));
  Bytes(inputs_)[64] = Bytes(inputs_)[200] = std::byte{9};
  EXPECT_EQ(seat_->InputsAfter(64, 64).value()[0], std::byte{8}) << "what was kept";
  EXPECT_EQ(seat_->InputsAfter(200, 8).value()[0], std::byte{9}) << "of others, what is there";
}

TEST_F(CudaSeatTest, OnlyArenaAndInputsCanBeRead) {
  const size_t arena = arena_.size();
  const std::vector<MemoryRange> wrong = {{0x7f0000000000, 0x7f0000000040},
                                          {kArena + arena - 32, kArena + arena + 32},
                                          {kArena - 32, kArena + 32},
                                          {kArena + arena, kArena + arena + 64},
                                          {arena_.at(), arena_.at() + 64},
                                          {UINT64_MAX - 64, UINT64_MAX},
                                          {kArena + 128, kArena + 64}};
  for (const MemoryRange& range : wrong) {
    ASSERT_TRUE(Keep({range}));
    EXPECT_TRUE(ReadAt(range.begin, 64).empty()) << range.begin;
  }
  ASSERT_TRUE(Keep({{kArena + arena - 64, kArena + arena}, {CudaSeat::kInputsAt, CudaSeat::kInputsAt + 64}}));
  EXPECT_EQ(ReadAt(kArena + arena - 64, 64).size(), 64u);
  EXPECT_EQ(ReadAt(CudaSeat::kInputsAt, 64).size(), 64u) << "outputs that are views of inputs in the reference";
  EXPECT_TRUE(ReadAt(kArena, 64).empty()) << "what was not kept";
  EXPECT_TRUE(ReadAt(kArena + arena - 64, 65).empty());
}

TEST_F(CudaSeatTest, NeighboursAreOneCopyAndStillApart) {
  std::fill_n(Bytes(arena_).begin(), 256, std::byte{1});
  std::fill_n(Bytes(arena_).begin() + 512, 256, std::byte{2});
  const unsigned before = fakes::FakeCuda().copies;
  ASSERT_TRUE(Keep({{kArena + 512, kArena + 768}, {kArena, kArena + 256}, {kArena + 4096, kArena + 4100}}));
  EXPECT_EQ(fakes::FakeCuda().copies - before, 2u);
  EXPECT_EQ(ReadAt(kArena, 256), std::vector<std::byte>(256, std::byte{1}));
  EXPECT_EQ(ReadAt(kArena + 512, 256), std::vector<std::byte>(256, std::byte{2}));
  EXPECT_EQ(ReadAt(kArena + 4096, 4), std::vector<std::byte>(4, kPoison));
}

// Headers that claim more than the layout allows are not believed by the finder; the seat does not rest on that.
TEST_F(CudaSeatTest, MoreThanFitsIsNotKept) {
  MakeSeat({4096, 1024, 1 << 20, 1 << 16});
  ASSERT_TRUE(Keep({{kArena, kArena + (1 << 16)}, {kArena + (1 << 18), kArena + (1 << 18) + 64}}));
  EXPECT_EQ(ReadAt(kArena, 1 << 16).size(), 1u << 16);
  EXPECT_TRUE(ReadAt(kArena + (1 << 18), 64).empty());
  ASSERT_TRUE(Keep({{kArena, kArena + (1 << 20)}}));
  EXPECT_TRUE(ReadAt(kArena, 64).empty());
}

TEST_F(CudaSeatTest, NothingPassesFromAProcessToTheNext) {
  SeatPool pool([&](const SeatSizes& sizes) { return CudaSeat::Create(context_, {"GPU-0"}, sizes); });
  seat_ = pool.Take(kSizes).value();
  inputs_ = Imported(1, "inputs_bytes");
  arena_ = Imported(2, "arena_bytes");
  EXPECT_TRUE(All(Bytes(arena_), kPoison));
  ASSERT_TRUE(seat_->Stage(std::vector<std::byte>(4096, std::byte{7})));
  ASSERT_TRUE(seat_->Reveal(Soon()));
  std::fill(Bytes(arena_).begin(), Bytes(arena_).end(), std::byte{3});
  ASSERT_TRUE(Keep({{kArena, kArena + 64}}));
  pool.GiveBack(std::move(seat_));
  EXPECT_TRUE(All(Bytes(arena_), kPoison));
  EXPECT_TRUE(All(Bytes(inputs_), std::byte{0}));
  seat_ = pool.Take(kSizes).value();
  EXPECT_TRUE(ReadAt(kArena, 64).empty());
  ASSERT_TRUE(seat_->Reveal(Soon()));
  EXPECT_TRUE(All(Bytes(inputs_), std::byte{0})) << "what was staged is gone as well";
}

// cuBLAS and its like take their workspaces from the same allocator as tensors.
TEST_F(CudaSeatTest, ArenaHasRoomForTorchsLibraries) {
  constexpr size_t kLibraries = 1 << 20;
  seat_ = CudaSeat::Create(context_, {.uuid = "GPU-0", .libraries_bytes = kLibraries}, kSizes).value();
  EXPECT_GE(Imported(2, "arena_bytes").size(), kSizes.arena + kLibraries);
  EXPECT_EQ(seat_->sizes(), kSizes) << "what a pool compares";
}

TEST_F(CudaSeatTest, DeviceThatIsKeptBusyRunsIntoTheDeadline) {
  ASSERT_TRUE(seat_->Stage(std::vector<std::byte>(4096, std::byte{7})));
  fakes::FakeCuda().hangs = true;
  EXPECT_EQ(seat_->Reveal(Deadline::After(Nanos(0))).error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(seat_->Snapshot({}, Deadline::After(Nanos(0))).error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(CudaSeatTest, ErrorsNameTheCallAndTheError) {
  fakes::FakeCudaControl& fake = fakes::FakeCuda();
  fake.failing_code = cuda::kOutOfMemory;
  fake.failing_after = 0;
  fake.failing_call = "cuMemCreate";
  auto refused = CudaSeat::Create(context_, {"GPU-0"}, kSizes);
  fake.failing_call = "";
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(refused.error().context, HasSubstr("cuMemCreate of 65536 bytes: CUDA_ERROR_OUT_OF_MEMORY"));
}

TEST_F(CudaSeatTest, WhateverFailsNothingIsLeft) {
  fakes::FakeCudaControl& fake = fakes::FakeCuda();
  const long before = fake.live;
  int failed = 0;
  for (const char* call : cuda::kApiSymbols) {
    // What gives memory back cannot fail in a way that anybody could do something about.
    const std::string_view name = call;
    bool gives_back = false;
    for (const char* part : {"Free", "Release", "Unmap", "Destroy"}) gives_back |= name.find(part) != std::string_view::npos;
    for (int after = 0; after < 5 && !gives_back; ++after) {
      fake.failing_code = cuda::kOutOfMemory;
      fake.failing_after = after;
      fake.failing_call = call;
      const bool made = CudaSeat::Create(context_, {"GPU-0"}, kSizes).has_value();
      fake.failing_call = "";
      failed += made ? 0 : 1;
      EXPECT_EQ(fake.live, before) << call << " " << after;
      if (fake.live != before) return;
    }
  }
  EXPECT_GT(failed, 25);
}

TEST_F(CudaSeatTest, WorkersAreToldWhatToMapAndHowToCallIt) {
  Json fields = Json::MakeObject();
  seat_->AddAttachFields(&fields);
  EXPECT_EQ(fields["device"]["uuid"].Text(), "GPU-0");
  EXPECT_EQ(fields["device"]["inputs_at"].Unsigned(), CudaSeat::kInputsAt);
  EXPECT_EQ(fields["device"]["arena_at"].Unsigned(), kArena);
  EXPECT_GE(fields["device"]["arena_bytes"].Unsigned(), kSizes.arena);
  EXPECT_EQ(seat_->Descriptors().size(), 3u);
  for (int descriptor : seat_->Descriptors()) EXPECT_EQ(::fcntl(descriptor, F_GETFD), FD_CLOEXEC);
  const auto inputs = seat_->InputsIn(0).value();
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(inputs[0].begin, CudaSeat::kInputsAt);
}

// The clock's thread, and then the data thread: a CUDA context is current to one thread.
TEST_F(CudaSeatTest, ThreadsTakeTurns) {
  MakeSeat({0, 64, 64, 64});
  std::thread([&] { EXPECT_TRUE(seat_->Reveal(Soon())) << "nothing is copied, and it waits all the same"; }).join();
  ASSERT_TRUE(Keep({{kArena, kArena + 64}}));
  std::thread([&] { EXPECT_EQ(ReadAt(kArena, 64).size(), 64u); }).join();
  std::thread([&] { EXPECT_TRUE(seat_->Wipe()); }).join();
  std::thread([&] { seat_.reset(); }).join();
}

TEST_F(CudaSeatTest, SeatsWithoutInputsAreSeats) {
  MakeSeat({0, 64, 64, 0});
  EXPECT_TRUE(seat_->Stage({}));
  EXPECT_TRUE(seat_->Reveal(Soon()));
  EXPECT_TRUE(Keep({}));
  EXPECT_TRUE(seat_->InputsAfter(0, 0).value().empty());
}

}  // namespace
}  // namespace passnet::evaluator
