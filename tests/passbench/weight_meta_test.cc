#include "passbench/weight_meta.h"

#include <gtest/gtest.h>

#include <cmath>

namespace passnet::passbench {
namespace {

constexpr std::string_view kGood =
    "class A:\n\tname = \"in_0\"\n\toriginal_name = \"L_x_\"\n\tshape = [2, 3]\n\tdtype = \"torch.bfloat16\"\n"
    "\tdevice = \"cuda:0\"\n\tmean = float(\"-inf\")\n\tstd = float('nan')\n\n\n";

std::vector<TensorMeta> Parse(std::string_view text) { return ParseWeightMeta(text, "w.py").value(); }

std::string Refusal(const std::string& text) {
  auto parsed = ParseWeightMeta(text, "w.py");
  return parsed ? "accepted" : parsed.error().context;
}

// One class with `lines` as its attributes, from line 2 on.
std::string Class(const std::string& lines) { return "class A:\n" + lines; }

TEST(WeightMetaTest, ReadsEveryAttribute) {
  auto metas = Parse(kGood);
  ASSERT_EQ(metas.size(), 1u);
  EXPECT_EQ(metas[0].class_name, "A");
  EXPECT_EQ(metas[0].name, "in_0");
  EXPECT_EQ(metas[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(metas[0].dtype, DType::kBFloat16);
  EXPECT_EQ(metas[0].device, "cuda:0");
  EXPECT_EQ(*metas[0].mean, -INFINITY);
  EXPECT_TRUE(std::isnan(*metas[0].std));
  EXPECT_FALSE(metas[0].data.has_value());
  EXPECT_EQ(metas[0].Bytes(), 12u);
  EXPECT_EQ(metas[0].line, 1);
}

TEST(WeightMetaTest, ReadsDataAndRanges) {
  auto metas = Parse(
      "class A:\n  name = 'x'\n  shape = [4]\n  dtype = 'torch.int64'\n  mean = None\n  std = None\n"
      "  data = [-1, True,\n    False, 9223372036854775807]\n  min_val = -5\n  max_val = 7\n");
  ASSERT_TRUE(metas[0].data.has_value());
  EXPECT_EQ(*metas[0].data, (std::vector<Number>{int64_t{-1}, int64_t{1}, int64_t{0}, INT64_MAX}));
  EXPECT_EQ(std::get<int64_t>(*metas[0].min_val), -5);
  EXPECT_EQ(std::get<int64_t>(*metas[0].max_val), 7);
  EXPECT_FALSE(metas[0].mean.has_value());
}

TEST(WeightMetaTest, ReadsFloatsInData) {
  auto metas = Parse("class A:\n  name = 'x'\n  shape = []\n  dtype = 'float32'\n  data = [-0.000000]\n"
                     "class B:\n  name = 'y'\n  shape = [3]\n  dtype = 'float32'\n  data = [inf, -inf, 1e-05,]\n");
  ASSERT_EQ(metas.size(), 2u);
  EXPECT_EQ(metas[0].Elements(), 1);
  EXPECT_TRUE(std::signbit(AsDouble((*metas[0].data)[0])));
  EXPECT_EQ(AsDouble((*metas[1].data)[1]), -INFINITY);
}

struct BadCase {
  const char* what;
  const char* attributes;
  const char* message;  // part of what must be said
};

class WeightMetaRefusalTest : public testing::TestWithParam<BadCase> {};

TEST_P(WeightMetaRefusalTest, NamesLineAndExpectation) {
  const std::string message = Refusal(Class(GetParam().attributes));
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << GetParam().what << ": " << message;
  EXPECT_EQ(message.rfind("w.py:", 0), 0u) << message;
  EXPECT_NE(message.find(" is expected"), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    Malformed, WeightMetaRefusalTest,
    testing::Values(
        BadCase{"unknown dtype", " name = 'x'\n shape = []\n dtype = 'torch.complex64'\n",
                "w.py:4: dtype \"torch.complex64\" is unknown"},
        BadCase{"open list", " name = 'x'\n shape = [1, 2\n dtype = 'float32'\n", "w.py:3: \"[\" is never closed"},
        BadCase{"stray bracket", " name = 'x'\n shape = 1]\n", "w.py:3: \"]\" closes nothing"},
        BadCase{"no name", " shape = []\n dtype = 'float32'\n", "w.py:1: class A has no name"},
        BadCase{"no shape", " name = 'x'\n dtype = 'float32'\n", "class A has no shape"},
        BadCase{"negative size", " name = 'x'\n shape = [-1]\n", "w.py:3: shape holds a bad size"},
        BadCase{"huge tensor", " name = 'x'\n shape = [100000, 100000]\n dtype = 'float64'\n",
                "more than 4294967296 bytes"},
        BadCase{"overflowing shape", " name = 'x'\n shape = [4294967296, 4294967296, 4294967296]\n dtype = 'int8'\n",
                "more than 4294967296 bytes"},
        BadCase{"data of another size", " name = 'x'\n shape = [2]\n dtype = 'int8'\n data = [1]\n",
                "has 1 values of data; 2 (the product of shape)"},
        BadCase{"call", " name = open('/etc/passwd')\n", "w.py:2: \"open\"; a number"},
        BadCase{"other float", " mean = float('1')\n", "w.py:2: float() of something else"},
        BadCase{"sum", " mean = 1 + 1\n", "w.py:2: \"+\"; the end of the line"},
        BadCase{"nested list", " data = [[1], [2]]\n", "w.py:2: \"[\"; a number"},
        BadCase{"big integer", " min_val = 99999999999999999999\n", "does not fit in 64 bits"},
        BadCase{"hexadecimal", " min_val = 0x10\n", "w.py:2: a number goes on with \"x\""},
        BadCase{"min above max", " name='x'\n shape=[]\n dtype='int8'\n min_val = 3\n max_val = 2\n",
                "min_val above max_val"},
        BadCase{"repeated", " name = 'x'\n name = 'y'\n", "w.py:3: name is given twice"},
        BadCase{"method", " def __init__(self):\n  pass\n", "w.py:2: \"def\"; an attribute name"},
        BadCase{"unended string", " name = 'x\n", "w.py:2: a string does not end"},
        BadCase{"binary", " name = \x01\n", "w.py:2: byte 0x01"}));

TEST(WeightMetaTest, StatementOutsideAClassIsRefused) {
  EXPECT_NE(Refusal("import os\n").find("w.py:1: \"import\""), std::string::npos);
  EXPECT_NE(Refusal("class A:\n").find("an indented attribute"), std::string::npos);
}

TEST(WeightMetaTest, DoubledTensorsAreRefused) {
  const std::string body = " name = 'x'\n shape = []\n dtype = 'int8'\n";
  EXPECT_NE(Refusal("class A:\n" + body + "class A:\n" + body).find("w.py:5: class A is defined twice"),
            std::string::npos);
  EXPECT_NE(Refusal("class A:\n" + body + "class B:\n" + body).find("tensor x is described twice"), std::string::npos);
}

TEST(WeightMetaTest, DeepNestingIsRefusedWithoutExhaustingTheStack) {
  EXPECT_NE(Refusal("class A:\n data = " + std::string(100000, '[')).find("nest deeper than 64"), std::string::npos);
}

}  // namespace
}  // namespace passnet::passbench
