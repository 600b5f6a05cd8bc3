// The generators against values that numpy 2.4 and torch 2.13 gave for the same seeds.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "passbench/float_formats.h"
#include "passbench/numpy_random.h"
#include "passbench/torch_random.h"

namespace passnet::passbench {
namespace {

template <typename T>
std::string Hash(const std::vector<T>& values) {
  return Sha256Hex({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

std::vector<double> Normals(NumpyRandom& random, size_t count) {
  std::vector<double> values(count);
  random.Normals(values);
  return values;
}

std::vector<int64_t> Integers(uint64_t seed, int64_t min, int64_t max, size_t count) {
  NumpyRandom random(seed);
  std::vector<int64_t> values(count);
  for (int64_t& value : values) value = random.Between(min, max);
  return values;
}

TEST(NumpyRandomTest, NormalsAndUniformsAreNumpys) {
  NumpyRandom random(123);
  EXPECT_EQ(Normals(random, 3), (std::vector<double>{-1.0856306033005612, 0.9973454465835858, 0.28297849805199204}));
  EXPECT_EQ(random.Uniform(), 0.7194689697855631);
}

TEST(NumpyRandomTest, OddCallsKeepTheSecondOfAPair) {
  NumpyRandom random(123);
  EXPECT_EQ(Hash(Normals(random, 100001)), "fa46858e5bad5e48adb4f8261a7b457bb6acfcec4ddcda0fe084812c541dfe15");
  EXPECT_EQ(Hash(Normals(random, 3)), "508eb9d0f4e3b220664cd29ceee07275ed574fd187c9df92aa426604973ecde5");
  std::vector<double> uniforms(1000);
  for (double& value : uniforms) value = random.Uniform();
  EXPECT_EQ(Hash(uniforms), "53896163ba24f8829bda9ad5eb1af6c67a12a510ff997e9b9db3dea68e5c9abd");
}

TEST(NumpyRandomTest, PiecesAreTheWhole) {
  NumpyRandom whole(5);
  NumpyRandom pieces(5);
  const std::vector<double> expected = Normals(whole, 5000);
  std::vector<double> found;
  for (size_t size = 0; found.size() < expected.size(); ++size) {
    const auto piece = Normals(pieces, std::min(size, expected.size() - found.size()));
    found.insert(found.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(found, expected);
}

TEST(NumpyRandomTest, WideSeedsCountWhole) {
  NumpyRandom random(0x0123456789abcdefULL);  // numpy.random.seed([0x89abcdef, 0x01234567])
  EXPECT_EQ(Normals(random, 3), (std::vector<double>{-0.23045331655770349, 0.8560365362200343, -0.2934894206176542}));
}

TEST(NumpyRandomTest, IntegersAreNumpys) {
  NumpyRandom random(7);
  auto draw = [&](int64_t min, int64_t max, size_t count) {
    std::vector<int64_t> values(count);
    for (int64_t& value : values) value = random.Between(min, max);
    return values;
  };
  EXPECT_EQ(draw(-5, 5, 8), (std::vector<int64_t>{-1, 4, 1, -2, -2, 2, 2, 4}));
  EXPECT_EQ(draw(0, 0xffffffff, 3), (std::vector<int64_t>{2312822158, 1133316631, 2152296008}));
  EXPECT_EQ(draw(INT64_MIN, INT64_MAX - 2, 2), (std::vector<int64_t>{-7623238088739655314, -1487320192467309862}));
  EXPECT_EQ(draw(-(int64_t{1} << 62), int64_t{1} << 62, 2),
            (std::vector<int64_t>{-4318191693850981209, 1491220923209309100}));
  EXPECT_EQ(draw(4, 4, 2), (std::vector<int64_t>{4, 4}));
  EXPECT_EQ(draw(0, 1, 12), (std::vector<int64_t>{0, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(Hash(Integers(7, 0, 250001, 4096)), "562e7c79d5bcce8691fc87ee4fcf29b0ef22f27d4888eea269810514799e6a45");
}

struct TorchCase {
  size_t count;
  const char* float32;
  const char* float16;
  const char* bfloat16;
  const char* float64;
};

class TorchRandomTest : public testing::TestWithParam<TorchCase> {};

// First twelve digits of the sha256 of torch.manual_seed(123); torch.randn(count, dtype=…).
TEST_P(TorchRandomTest, BytesAreTorchs) {
  const TorchCase& expected = GetParam();
  std::vector<float> singles(expected.count);
  TorchRandom(123).Normal(std::span<float>(singles));
  EXPECT_EQ(Hash(singles).substr(0, 12), expected.float32);
  std::vector<double> doubles(expected.count);
  TorchRandom(123).Normal(std::span<double>(doubles));
  EXPECT_EQ(Hash(doubles).substr(0, 12), expected.float64);
  TorchRandom(123).NormalForNarrow(singles);
  std::vector<uint16_t> halves;
  std::vector<uint16_t> bfloats;
  for (float value : singles) {
    halves.push_back(ToHalf(value));
    bfloats.push_back(ToBFloat16(value));
  }
  EXPECT_EQ(Hash(halves).substr(0, 12), expected.float16);
  EXPECT_EQ(Hash(bfloats).substr(0, 12), expected.bfloat16);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, TorchRandomTest,
    testing::Values(TorchCase{5, "42218e27d046", "71704fd4021b", "cd0c419faefb", "91d62e2dd28a"},
                    TorchCase{15, "c91389506264", "84fa1324ce49", "a146673e395f", "cf0cf696bb68"},
                    TorchCase{16, "6f6b8fc1ecfb", "7071e4d367d1", "17d24f428d41", "9b15faa7fd75"},
                    TorchCase{17, "b5469ede4153", "4b131a03e2f0", "1e916b291352", "8865ba6abe05"},
                    TorchCase{40, "43ae003de03f", "f433b20d3412", "a5e3b2cb07e8", "7b666e7ab17f"},
                    TorchCase{1000003, "c8f296e7088a", "8b095b236c73", "e636e706ed18", "1ca7b1178992"}));

// Every 65521st float32, as torch converts it.
TEST(FloatFormatsTest, RoundingIsTorchs) {
  std::vector<uint16_t> halves;
  std::vector<uint16_t> bfloats;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 65521) {
    const auto value = std::bit_cast<float>(static_cast<uint32_t>(bits));
    if (std::isnan(value)) continue;
    halves.push_back(ToHalf(value));
    bfloats.push_back(ToBFloat16(value));
  }
  ASSERT_EQ(halves.size(), 65295u);
  EXPECT_EQ(Hash(halves), "bd3bad246c8b489f923bbd69ec3f196c97fbfef1085621edae00d24ae23b20be");
  EXPECT_EQ(Hash(bfloats), "7b36b3272b2940caadb4b90020f640cd8169ba5f1766f9e6909262d2d0abdd57");
}

TEST(FloatFormatsTest, EveryHalfSurvivesTheWayThere) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    if (!std::isnan(FromHalf(half))) {
      ASSERT_EQ(ToHalf(FromHalf(half)), half);
    }
    if (!std::isnan(FromBFloat16(half))) {
      ASSERT_EQ(ToBFloat16(FromBFloat16(half)), half);
    }
  }
  EXPECT_TRUE(std::isnan(FromHalf(ToHalf(NAN))));
  EXPECT_TRUE(std::isnan(FromBFloat16(ToBFloat16(NAN))));
}

}  // namespace
}  // namespace passnet::passbench
