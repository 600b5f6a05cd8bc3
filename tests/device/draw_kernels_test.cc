// The kernels that draw, as the host runs them: the same bytes as DrawInput writes, whatever order their groups are done in.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>

#include "evaluator/device/kernels/draw.h"
#include "evaluator/device/recipe.h"
#include "evaluator/timing/fresh_inputs.h"
#include "passbench/float_formats.h"

namespace passnet::evaluator {
namespace {

using kernels::DrawStep;
using kernels::DrawTable;
using kernels::u32;
using kernels::u64;

struct Type {
  const char* name;
  size_t width;
};
constexpr Type kFloats[] = {{"float32", 4}, {"float64", 8}, {"float16", 2}, {"bfloat16", 2}};
constexpr Type kInts[] = {{"int8", 1}, {"uint8", 1}, {"int16", 2}, {"int32", 4}, {"int64", 8}};

std::vector<u32> RoundTable() {
  std::vector<u32> table;
  for (u32 byte = 0; byte < kernels::kThreads; ++byte) table.push_back(kernels::RoundEntry(byte));
  return table;
}

kernels::SecretKey KeyOf(unsigned seed) {
  std::mt19937 random(seed);
  kernels::SecretKey key;
  for (auto& byte : key.key) byte = static_cast<kernels::u8>(random());
  for (auto& byte : key.counter) byte = static_cast<kernels::u8>(random());
  // Its lower half is about to run over.
  if (seed % 2 == 0) std::fill(key.counter + 8, key.counter + 15, 0xff);
  return key;
}

TEST(SecretBytesTest, AnyPlaceOfTheStreamIsWhatTheStreamHasThere) {
  const std::vector<u32> rounds = RoundTable();
  for (unsigned seed : {1u, 2u, 3u}) {
    SecretStream stream(KeyOf(seed));
    std::vector<uint8_t> bytes(20'000);
    std::memcpy(bytes.data(), stream.Take(bytes.size()), bytes.size());
    DrawTable table;
    kernels::SetKey(KeyOf(seed), &table);
    for (size_t at = 0; at + 16 <= bytes.size(); at += at % 97 + 1) {
      const kernels::SecretBlock block = kernels::SecretBytes(table, rounds.data(), at);
      ASSERT_EQ(std::memcmp(block.words, bytes.data() + at, 16), 0) << seed << " at " << at;
    }
  }
}

TEST(SecretStreamTest, WhatIsPassedOverIsAsIfTaken) {
  for (const uint64_t passed : {1ull, 15ull, 16ull, 17ull, 100'000ull, (1ull << 18) - 3}) {
    SecretStream taken(KeyOf(2)), over(KeyOf(2));
    taken.Take(5);
    over.Take(5);
    for (uint64_t left = passed; left > 0;) {
      const auto part = static_cast<size_t>(std::min<uint64_t>(left, 1000));
      taken.Take(part);
      left -= part;
    }
    over.PassOver(passed);
    EXPECT_EQ(over.Position(), taken.Position());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(over.Next(), taken.Next()) << passed;
  }
}

TEST(ValuesTest, RoundAsTheHostRounds) {
  std::mt19937 random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    // All exponents, and often enough those at which types end.
    u32 bits = static_cast<u32>(random());
    if (i % 3 == 0) bits = (bits & 0x80ffffffu) | (i % 2 == 0 ? 0x47000000u : 0x33000000u) | (bits & 0x0f000000u);
    const float value = kernels::FloatOf(bits);
    if (std::isnan(value)) continue;
    ASSERT_EQ(kernels::HalfBits(value), passbench::ToHalf(value)) << value;
    ASSERT_EQ(kernels::BFloat16Bits(value), passbench::ToBFloat16(value)) << value;
  }
  for (u32 bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<kernels::u16>(bits);
    const float ours = kernels::OfHalfBits(half), hosts = passbench::FromHalf(half);
    ASSERT_EQ(std::isnan(ours), std::isnan(hosts));
    if (std::isnan(ours)) continue;
    ASSERT_EQ(kernels::BitsOf(ours), kernels::BitsOf(hosts)) << bits;
  }
}

// One call's tensors, as a task could describe them.
struct Call {
  struct Place {
    FreshTensor tensor;
    DrawKind kind;
    size_t at, bytes;
  };
  std::vector<Place> places;
  size_t bytes = 0;

  void Add(FreshTensor tensor, DrawKind kind, size_t width) {
    const size_t size = tensor.elements * width;
    places.push_back({std::move(tensor), kind, bytes, size});
    bytes = (bytes + std::max<size_t>(size, 1) + 63) / 64 * 64;
  }

  std::vector<std::byte> ByTheHost(const kernels::SecretKey& key, const std::vector<std::byte>& given) const {
    SecretStream stream(key);
    std::vector<std::byte> inputs(bytes);
    for (const Place& place : places) {
      DrawInput(place.tensor, place.kind, std::span(given).subspan(place.at, place.bytes), stream,
                std::span(inputs).subspan(place.at, place.bytes));
    }
    return inputs;
  }

  InputRecipe Recipe(const kernels::SecretKey& key, const std::vector<std::byte>& given) const {
    InputRecipe recipe;
    recipe.key = key;
    recipe.given = std::make_shared<const std::vector<std::byte>>(given);
    SecretStream stream(key);
    for (const Place& place : places) {
      PlanInput(place.tensor, place.kind, place.bytes, place.at, place.at, stream, &recipe.steps);
    }
    return recipe;
  }
};

FreshTensor RandomTensor(std::mt19937& random, size_t* width) {
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  FreshTensor tensor;
  tensor.elements = below(4) == 0 ? below(5) : below(30'000);
  tensor.freshness = static_cast<Freshness>(below(5));
  const bool floats = tensor.freshness == Freshness::kFloat || tensor.freshness == Freshness::kConstant;
  const Type type = floats ? kFloats[below(4)] : kInts[below(5)];
  tensor.dtype = tensor.freshness == Freshness::kBool ? "bool" : type.name;
  *width = tensor.freshness == Freshness::kBool ? 1 : type.width;
  constexpr double kMeans[] = {0, 1, -2, 0.5, 1e-7, 65000}, kSpreads[] = {0.2, 1e-6, 3, 1000};
  tensor.mean = kMeans[below(6)];
  tensor.spread = kSpreads[below(4)];
  tensor.least = below(2) == 0 ? -100 : tensor.mean - tensor.spread;
  tensor.most = below(2) == 0 ? 100 : 70'000;
  tensor.low = -static_cast<int64_t>(below(100));
  tensor.high = tensor.low + (below(3) == 0 ? 5'000'000'000'000 : below(200));
  return tensor;
}

TEST(DrawKernelsTest, DrawsAreTheHostsBitForBit) {
  std::mt19937 random(9);
  for (unsigned round = 0; round < 150; ++round) {
    Call call;
    for (int i = 0; i < 6; ++i) {
      size_t width = 0;
      FreshTensor tensor = RandomTensor(random, &width);
      call.Add(std::move(tensor), random() % 2 == 0 ? DrawKind::kPlain : DrawKind::kStrayed, width);
    }
    std::vector<std::byte> given(call.bytes), inputs(call.bytes);
    for (std::byte& one : given) one = static_cast<std::byte>(random());
    DrawOnHost(call.Recipe(KeyOf(round), given), &inputs);
    const std::vector<std::byte> wanted = call.ByTheHost(KeyOf(round), given);
    for (const Call::Place& place : call.places) {
      ASSERT_EQ(std::memcmp(inputs.data() + place.at, wanted.data() + place.at, place.bytes), 0)
          << place.tensor.dtype << " freshness " << static_cast<int>(place.tensor.freshness) << " of "
          << place.tensor.elements << " in round " << round;
    }
    ASSERT_EQ(inputs, wanted) << "nothing between them is written";
  }
}

// A device does its groups in any order. Of two strays at one place the later one stands all the same.
TEST(DrawKernelsTest, OrderOfTheGroupsDecidesNothing) {
  Call call;
  FreshTensor tensor;
  tensor.dtype = "float16";
  tensor.elements = 20'000;
  tensor.freshness = Freshness::kFloat;
  tensor.spread = 0.2;
  tensor.least = -100;
  tensor.most = 100;
  for (int i = 0; i < 3; ++i) call.Add(tensor, DrawKind::kStrayed, 2);
  const std::vector<std::byte> given(call.bytes);
  const InputRecipe recipe = call.Recipe(KeyOf(5), given);
  const DrawLaunches launches = LaunchesOf(recipe);
  std::vector<std::byte> inputs(call.bytes);
  std::vector<u32> claims(launches.claims);
  const std::vector<u32> rounds = RoundTable();
  DrawTable table;
  kernels::SetKey(recipe.key, &table);
  table.to = reinterpret_cast<u64>(inputs.data());
  table.claims = reinterpret_cast<u64>(claims.data());
  table.steps = reinterpret_cast<u64>(launches.first.data());
  table.step_count = launches.first.size();
  for (u64 group = launches.first_groups; group-- > 0;) kernels::DrawGroup(table, rounds.data(), group);
  table.steps = reinterpret_cast<u64>(launches.strays.data());
  table.step_count = launches.strays.size();
  for (u64 group = launches.stray_groups; group-- > 0;) kernels::ClaimStray(table, rounds.data(), group);
  for (u64 group = launches.stray_groups; group-- > 0;) kernels::WriteStray(table, rounds.data(), group);
  EXPECT_EQ(inputs, call.ByTheHost(recipe.key, given));
  size_t shared = 0;
  std::vector<bool> taken(launches.claims);
  for (u64 group = 0; group < launches.stray_groups; ++group) {
    const DrawStep& step = launches.strays[kernels::StepOf(launches.strays.data(), launches.strays.size(), group)];
    const size_t place = step.claims + kernels::StrayOf(table, step, rounds.data(), group - step.first_group).place;
    shared += taken[place] ? 1 : 0;
    taken[place] = true;
  }
  EXPECT_GT(shared, 0u) << "this shows something only where places are shared";
}

TEST(DrawKernelsTest, RecipesOfTheSameKeyAreTheSameAndOthersAreNot) {
  Call call;
  FreshTensor tensor;
  tensor.dtype = "float32";
  tensor.elements = 1000;
  tensor.freshness = Freshness::kFloat;
  tensor.spread = 1;
  tensor.least = -100;
  tensor.most = 100;
  call.Add(tensor, DrawKind::kPlain, 4);
  std::vector<std::byte> one(call.bytes), again(call.bytes), other(call.bytes);
  DrawOnHost(call.Recipe(KeyOf(1), {}), &one);
  DrawOnHost(call.Recipe(KeyOf(1), {}), &again);
  DrawOnHost(call.Recipe(KeyOf(3), {}), &other);
  EXPECT_EQ(one, again);
  EXPECT_NE(one, other);
}

}  // namespace
}  // namespace passnet::evaluator
