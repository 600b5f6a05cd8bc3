#include "passbench/inputs.h"

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "tests/passbench/input_oracle.h"

namespace passnet::passbench {
namespace {

// A tensor of every kind; the classes are named so that the order of the names is not the order of drawing.
constexpr std::string_view kMixed = R"(
class Z_range8:
 name = "a"
 shape = [100]
 dtype = "torch.int8"
 min_val = -100
 max_val = 100
 data = [1]
class B_double:
 name = "b"
 shape = [33, 3]
 dtype = "torch.float64"
 mean = 2.5
 std = 1.5
class C_mask:
 name = "c"
 shape = [1000]
 dtype = "torch.bool"
class D_positive:
 name = "d"
 shape = [777]
 dtype = "torch.float16"
 mean = 0.1
 std = 3.0
 min_val = 0
class E_constant:
 name = "e"
 shape = [5]
 dtype = "torch.bfloat16"
 mean = 1.007
 std = 0.0
class F_far:
 name = "f"
 shape = [64]
 dtype = "torch.float32"
 mean = 1000.0
 std = 10.0
class G_half_overflow:
 name = "g"
 shape = [50]
 dtype = "torch.float16"
 mean = 65000.0
 std = 10000.0
class H_default:
 name = "h"
 shape = [9]
 dtype = "torch.float32"
 mean = None
 std = None
class I_int_plain:
 name = "i"
 shape = [40]
 dtype = "torch.int32"
 mean = 3.0
 std = 50.0
class J_data:
 name = "j"
 shape = [2, 2]
 dtype = "torch.uint8"
 data = [0, 255, 7, 1]
class K_nan:
 name = "k"
 shape = [21]
 dtype = "torch.float64"
 mean = float("nan")
 std = 1.0
class L_range64:
 name = "l"
 shape = [64]
 dtype = "torch.int64"
 min_val = 0
 max_val = 250001
class M_nan16:
 name = "m"
 shape = [35]
 dtype = "torch.bfloat16"
 mean = float("inf")
 std = 1.0
)";

Graph GraphOf(std::string_view meta) {
  Graph graph;
  graph.path = "g";
  graph.dir = "d";
  graph.inputs = ParseWeightMeta(meta, "d/weight_meta.py").value();
  return graph;
}

const InputTensor& Named(const std::vector<InputTensor>& inputs, const std::string& name) {
  for (const InputTensor& input : inputs) {
    if (input.name == name) return input;
  }
  throw std::runtime_error("no input " + name);
}

TEST(InputsTest, EveryKindIsMadeAsNumpyAndTorchMakeIt) {
  // First sixteen digits of the sha256 of what the same steps give in numpy 2.4 and torch 2.13.
  const std::map<std::string, std::string> expected{
      {"a", "13034f7994f9a440"}, {"b", "dfb277769c8cc873"}, {"c", "df4195dfcb2756cb"}, {"d", "0361e5db1b22554c"},
      {"e", "a30f20fc9cc6da03"}, {"f", "297da7e89fe2e9a4"}, {"g", "b645250e35061cec"}, {"h", "e17ff4faa81b0197"},
      {"i", "08a41f9b3edb97fd"}, {"j", "9ba246312184f082"}, {"k", "e8279d7860453579"}, {"l", "4093e1f3c054981a"},
      {"m", "3f2e76e3402047cf"}};
  auto inputs = MakeInputs(GraphOf(kMixed), kPassBenchSeed);
  ASSERT_TRUE(inputs.has_value()) << inputs.error().context;
  for (const auto& [name, hash] : expected) {
    const auto& bytes = Named(*inputs, name).bytes;
    EXPECT_EQ(Sha256Hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).substr(0, 16), hash) << name;
  }
}

TEST(InputsTest, KindsTellWhatMayBeRefreshed) {
  auto inputs = MakeInputs(GraphOf(kMixed), kPassBenchSeed).value();
  EXPECT_EQ(Named(inputs, "a").kind, InputKind::kRangedInt);
  EXPECT_EQ(Named(inputs, "a").min, -100);
  EXPECT_EQ(Named(inputs, "a").max, 100);
  EXPECT_EQ(Named(inputs, "b").kind, InputKind::kRandomFloat);
  EXPECT_EQ(Named(inputs, "c").kind, InputKind::kRandomBool);
  EXPECT_EQ(Named(inputs, "e").kind, InputKind::kFixed);
  EXPECT_EQ(Named(inputs, "i").kind, InputKind::kFixed);
  EXPECT_EQ(Named(inputs, "j").kind, InputKind::kFixed);
  EXPECT_EQ(Named(inputs, "k").kind, InputKind::kRandomFloat);
}

TEST(InputsTest, OtherSeedsChangeWhatIsDrawnAndNothingElse) {
  auto first = MakeInputs(GraphOf(kMixed), kPassBenchSeed).value();
  auto again = MakeInputs(GraphOf(kMixed), kPassBenchSeed).value();
  auto other = MakeInputs(GraphOf(kMixed), (uint64_t{1} << 40) + kPassBenchSeed).value();
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].bytes, again[i].bytes) << first[i].name;
    const bool drawn = KindOf(GraphOf(kMixed).inputs[i]) != InputKind::kFixed || first[i].name == "i";
    // The far tensor is clamped to 100 everywhere.
    if (first[i].name == "f") continue;
    EXPECT_EQ(first[i].bytes != other[i].bytes, drawn) << first[i].name;
  }
  for (std::byte value : Named(other, "a").bytes) EXPECT_LE(std::abs(static_cast<int8_t>(value)), 100);
}

TEST(InputsTest, BuffersOfTheWrongSizeOrAlignmentAreRefused) {
  const Graph graph = GraphOf("class A:\n name='x'\n shape=[2]\n dtype='float32'\n mean=0.0\n std=1.0\n");
  alignas(8) std::array<std::byte, 16> memory;
  auto refusal = [&](std::span<std::byte> buffer) {
    const std::vector<std::span<std::byte>> buffers{buffer};
    auto status = FillInputs(graph, 1, buffers);
    return status ? std::string("accepted") : status.error().context;
  };
  EXPECT_EQ(refusal(std::span(memory).first(8)), "accepted");
  EXPECT_NE(refusal(std::span(memory).first(4)).find("takes 8 bytes, its buffer has 4"), std::string::npos);
  EXPECT_NE(refusal(std::span(memory).subspan(1, 8)).find("not aligned"), std::string::npos);
  EXPECT_TRUE(FillInputs(graph, 1, {}).has_error());
}

TEST(InputsTest, ValuesThatDoNotFitAreRefusedWithTheLine) {
  auto refusal = [](const std::string& lines) {
    auto made = MakeInputs(GraphOf("\nclass A:\n name = 'x'\n shape = [1]\n" + lines), 1);
    return made ? std::string("accepted") : made.error().context;
  };
  EXPECT_EQ(refusal(" dtype = 'int8'\n data = [128]\n"),
            "d/weight_meta.py:2: tensor x: data holds 128, which does not fit its type");
  EXPECT_EQ(refusal(" dtype = 'int64'\n data = [1.5]\n"), "accepted");
  EXPECT_NE(refusal(" dtype = 'int64'\n data = [1e30]\n").find("data holds no integer"), std::string::npos);
  EXPECT_NE(refusal(" dtype = 'int64'\n data = [nan]\n").find("data holds no integer"), std::string::npos);
  EXPECT_NE(refusal(" dtype = 'int8'\n min_val = 0\n max_val = 128\n").find("min_val and max_val must be"),
            std::string::npos);
  EXPECT_NE(refusal(" dtype = 'int8'\n min_val = 0.5\n max_val = 1\n").find("min_val and max_val must be"),
            std::string::npos);
  EXPECT_NE(refusal(" dtype = 'int32'\n mean = float('inf')\n std = 1.0\n").find("give no integers"),
            std::string::npos);
}

TEST(InputsTest, SmallRealGraphsHaveTheOriginalsBytes) {
  PASSNET_NEEDS_SHARED_DATA("passbench/INPUTS.tsv");
  constexpr uint64_t kSmall = 2u << 20;  // a sample that also runs under the sanitizers; the slow test has them all
  size_t compared = 0;
  for (const auto& [path, hashes] : ReadInputOracle()) {
    auto graph = LoadGraph(fakes::SharedData("passbench/" + path), path);
    ASSERT_TRUE(graph.has_value()) << graph.error().context;
    if (graph->InputBytes() <= kSmall) compared += CheckInputs(*graph, hashes);
  }
  EXPECT_GT(compared, 200u);
}

}  // namespace
}  // namespace passnet::passbench
