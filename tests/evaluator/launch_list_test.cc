// What a witness may say of its launches. Whatever is taken names tensors by place and lies within them.
#include "evaluator/lane/launch_list.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace passnet::evaluator {
namespace {

// One call: two arguments, memory like the first of them, one launch, which writes the second row of it.
constexpr const char* kHonest = R"({"why": "", "calls": [{"arguments": 3, "places": [
  {"argument": 0, "type": 6, "shape": [2, 8], "strides": [8, 1]},
  {"argument": 2, "type": 6, "shape": [8], "strides": [1]},
  {"argument": -1, "type": 6, "shape": [2, 8], "strides": [8, 1]}],
  "launches": [{"kernel": "bias-gelu", "function": "fused",
    "inputs": [{"place": 0, "offset": 0, "shape": [2, 8], "strides": [8, 1]}, {"place": 1, "offset": 7, "shape": [], "strides": []}],
    "outputs": [{"place": 2, "offset": 8, "shape": [8], "strides": [1]}],
    "scalars": [{"float": true, "bits": -4616189618054758400}, {"float": false, "bits": -7}]}],
  "many": false, "results": [{"place": 2, "offset": 0, "shape": [2, 8], "strides": [8, 1]}]}]})";

Result<LaunchList> Read(const std::string& text) { return ReadLaunches(ParseJson(text).value()); }

std::string Changed(const std::string& part, const std::string& other) {
  std::string text = kHonest;
  return text.replace(text.find(part), part.size(), other);
}

std::string Many(const std::string& item, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + item;
  return text;
}

TEST(LaunchListTest, HonestListIsReadAndHandedOnAsItWas) {
  const auto list = Read(kHonest);
  ASSERT_TRUE(list.has_value()) << list.error().context;
  ASSERT_EQ(list.value().calls.size(), 1u);
  const RecordedCall& call = list.value().calls[0];
  EXPECT_EQ(call.places[2].argument, -1);
  ASSERT_EQ(call.launches.size(), 1u);
  EXPECT_EQ(call.launches[0].kernel, "bias-gelu");
  EXPECT_EQ(call.launches[0].inputs[1].offset, 7);
  EXPECT_EQ(call.launches[0].scalars[1].bits, -7);
  EXPECT_EQ(LaunchesJson(list.value()), ParseJson(kHonest).value()["calls"]);
}

TEST(LaunchListTest, ReasonInsteadOfAListIsOne) {
  const auto none = Read(R"({"why": "torch writes beside its kernels: copy_", "calls": []})");
  ASSERT_TRUE(none.has_value()) << none.error().context;
  EXPECT_NE(none.value().why.find("copy_"), std::string::npos);
}

// The first words of each stand in the honest list as they are and are taken there.
TEST(LaunchListTest, WrongFormsAreNamed) {
  const std::string dims = "[" + Many("1", 9) + "]";
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"5", "is none"},
      {"[]", "is none"},
      {"{}", "why: is missing"},
      {R"({"why": ""})", "calls: is missing"},
      {R"({"why": "", "calls": 5})", "calls: expected a list"},
      {"{\"why\": \"" + std::string(300, 'x') + "\", \"calls\": []}", "a reason that nobody gave it"},
      {"{\"why\": \"\", \"calls\": [" + Many("{}", 65) + "]}", "longer than it could have been kept"},
      {Changed("\"scalars\": [", "\"scalars\": [" + Many("{\"float\": false, \"bits\": 1}", 63) + ", "), "longer than"},
      {Changed("\"offset\": 8", "\"offset\": 9"), "an argument beside its tensor"},
      {Changed("\"offset\": 8", "\"offset\": -1"), "out of range"},
      {Changed("\"offset\": 8", "\"offset\": \"8\""), "expected an integer"},
      {Changed("\"place\": 1", "\"place\": 3"), "an argument beside its tensor"},
      {Changed("\"place\": 1", "\"place\": 64"), "out of range"},
      {Changed("\"strides\": [8, 1]}, {", "\"strides\": [9, 1]}, {"), "an argument beside its tensor"},
      {Changed("\"shape\": [8], \"strides\": [1]},", "\"shape\": [8], \"strides\": [1, 1]},"), "a tensor that cannot be"},
      {Changed("\"shape\": [8], \"strides\": [1]},", "\"shape\": " + dims + ", \"strides\": " + dims + "},"), "cannot be"},
      {Changed("\"shape\": [8], \"strides\": [1]},", "\"shape\": [1099511627776, 2], \"strides\": [1, 1099511627776]},"),
       "a tensor that cannot be"},
      {Changed("\"argument\": 2", "\"argument\": 3"), "an argument that the function has not"},
      {Changed("\"argument\": 2", "\"argument\": -2"), "out of range"},
      {Changed("\"type\": 6", "\"type\": 9"), "a type that no kernel takes"},
      {Changed("bias-gelu", "../gelu"), "a name that no kernel has"},
      {Changed("\"fused\"", "\"a b\""), "a name that no kernel has"},
      {Changed("\"fused\"", "\"" + std::string(129, 'a') + "\""), "a name that no kernel has"},
      {Changed("\"bits\": -7", "\"bits\": 1e30"), "expected an integer"},
      {Changed("\"many\": false", "\"many\": 0"), "expected true or false"},
      {Changed("\"results\": [{\"place\": 2", "\"results\": [{\"place\": 1"), "a result beside its tensor"},
      {Changed("\"results\": [{\"place\": 2, \"offset\": 0, \"shape\": [2, 8], \"strides\": [8, 1]}]", "\"results\": []"), "one result"}};
  for (const auto& [text, told] : broken) {
    SCOPED_TRACE(text.substr(0, 400));
    const auto list = Read(text);
    ASSERT_TRUE(list.has_error());
    EXPECT_EQ(list.error().code, ErrorCode::kDataCorrupt);
    EXPECT_NE(list.error().context.find(told), std::string::npos) << list.error().context;
    EXPECT_LT(list.error().context.size(), 1000u);
  }
}

}  // namespace
}  // namespace passnet::evaluator
