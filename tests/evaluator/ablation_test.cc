#include "evaluator/lane/ablation.h"

#include <gtest/gtest.h>

#include <cstring>

#include "evaluator/integrity/judge.h"
#include "evaluator/lane/graph_evaluation.h"
#include "evaluator/lane/outputs.h"
#include "evaluator/lane/round.h"

namespace passnet::evaluator {
namespace {

Ablation Without(std::string_view names) { return Ablation::Parse(names).value(); }

// Everything that a switch leaves out, except the one given.
Ablation AllBut(std::string_view name) {
  std::string names;
  for (const LayerName& layer : Ablation::Layers()) {
    if (layer.name != name) names += (names.empty() ? "" : ",") + std::string(layer.name);
  }
  return Without(names);
}

TEST(AblationTest, EmptyLeavesEverythingOn) {
  auto none = Ablation::Parse("");
  ASSERT_TRUE(none.has_value());
  for (const LayerName& layer : Ablation::Layers()) EXPECT_FALSE(none.value().Omits(layer.layer)) << layer.name;
  EXPECT_EQ(none.value().Text(), "");
}

TEST(AblationTest, NamesAreTakenAndToldInOneOrder) {
  auto twice = Ablation::Parse("census,products,screen,screen");
  ASSERT_TRUE(twice.has_value()) << twice.error().context;
  EXPECT_TRUE(twice.value().Omits(Layer::kScreen));
  EXPECT_EQ(twice.value().Text(), "screen,products,census");
}

TEST(AblationTest, EveryNameLeavesOutOneLayer) {
  for (const LayerName& layer : Ablation::Layers()) {
    const Ablation one = Without(layer.name);
    EXPECT_EQ(one.Text(), layer.name);
    for (const LayerName& other : Ablation::Layers()) EXPECT_EQ(one.Omits(other.layer), other.layer == layer.layer);
  }
}

TEST(AblationTest, NameThatIsNoLayerIsRefusedWithThoseThatAre) {
  for (const char* names : {"screens", ",", "screen,clock5", " screen"}) {
    auto wrong = Ablation::Parse(names);
    ASSERT_TRUE(wrong.has_error()) << names;
    EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(wrong.error().context.find("there are admission, screen"), std::string::npos) << wrong.error().context;
  }
}

Observations Honest() {
  Observations seen;
  seen.published = OutputComparison();
  for (int call = 0; call < 20; ++call) {
    seen.plain.Add({});
    seen.strayed.Add({});
    seen.Note(false);
  }
  seen.first_level = 0;
  seen.candidate_us = 10;
  return seen;
}

Verdict Judged(const Observations& seen, const Ablation& ablation) {
  GraphReport report;
  integrity::Judge(ablation.Told(seen), {1, 10}, &report);
  return report.verdict;
}

struct Finding {
  std::string layer;
  Verdict verdict;
  Observations seen;
};

// One for each layer that only says what the judge is told.
std::vector<Finding> Findings() {
  std::vector<Finding> findings;
  const auto add = [&](const char* layer, Verdict verdict) -> Observations& {
    findings.push_back({layer, verdict, Honest()});
    return findings.back().seen;
  };
  OutputComparison wrong;
  wrong.tightest = kLevels;
  Observations& alike = add("admission", Verdict::kTrivial);
  alike.answers_alike = alike.answers_compared;
  add("calls", Verdict::kIncorrect).plain.Add(wrong);
  add("calls", Verdict::kIncorrect).strayed.Add(wrong);
  add("sharing", Verdict::kIncorrect).view_of_input = 0;
  add("sharing", Verdict::kState).shares_memory = true;
  add("mutation", Verdict::kMutation).changed_input = "x";
  add("clock", Verdict::kTiming).idle_cpu_us = 1e6;
  add("clock", Verdict::kTiming).cpu_over_wall = 2;
  add("clock", Verdict::kTiming).worked_beside = true;
  add("floor", Verdict::kImplausible).candidate_us = 1;
  return findings;
}

TEST(AblationTest, JudgeIsNotToldWhatALayerLeftOutWouldHaveFound) {
  EXPECT_EQ(Judged(Honest(), Without("")), Verdict::kOk);
  for (const Finding& finding : Findings()) {
    EXPECT_EQ(Judged(finding.seen, Without("")), finding.verdict) << finding.layer;
    EXPECT_EQ(Judged(finding.seen, Without(finding.layer)), Verdict::kOk) << finding.layer;
    // Each switch is one layer's own: with all the others left out it holds.
    EXPECT_EQ(Judged(finding.seen, AllBut(finding.layer)), finding.verdict) << finding.layer;
  }
}

TEST(AblationTest, PublishedInputsDecideWhateverIsLeftOut) {
  Observations seen = Honest();
  seen.published->tightest = kLevels;
  seen.published->reason = "output 0 differs";
  EXPECT_EQ(Judged(seen, AllBut("")), Verdict::kIncorrect);
}

// Of so many calls of a block, how many are of each kind.
std::array<int, 3> Kinds(std::string_view ablation, bool always_stray, uint32_t calls = 200) {
  SecretStream draws;
  std::array<int, 3> kinds{};
  for (CallKind kind : DrawCallKinds(Without(ablation), always_stray, draws, calls)) ++kinds[static_cast<size_t>(kind)];
  return kinds;
}

TEST(AblationTest, CallsAreOfTheKindsThatAreLeft) {
  constexpr auto kPublished = static_cast<size_t>(CallKind::kPublished), kPlain = static_cast<size_t>(CallKind::kPlain),
                 kStrayed = static_cast<size_t>(CallKind::kStrayed);
  for (const bool always_stray : {false, true}) {
    EXPECT_EQ(Kinds("fresh", always_stray)[kPublished], 200);
    EXPECT_EQ(Kinds("strays", always_stray)[kPlain], 200);
    const auto all = Kinds("", always_stray), no_admission = Kinds("admission", always_stray);
    EXPECT_EQ(all[kPublished], 0);
    EXPECT_EQ(all[kPlain] > 0, !always_stray);
    EXPECT_GT(all[kStrayed], 0);
    EXPECT_GT(no_admission[kPlain], 0);
    EXPECT_GT(no_admission[kStrayed], 0);
  }
}

TEST(AblationTest, EveryBlockHasItsHalfOfStrayedCalls) {
  constexpr auto kStrayed = static_cast<size_t>(CallKind::kStrayed);
  std::array<int, 2> of_three{};
  for (int block = 0; block < 64; ++block) {
    EXPECT_EQ(Kinds("", false, 8)[kStrayed], 4);
    const int strayed = Kinds("", false, 3)[kStrayed];
    ASSERT_TRUE(strayed == 1 || strayed == 2) << strayed;
    ++of_three[static_cast<size_t>(strayed - 1)];
  }
  EXPECT_GT(of_three[0], 0) << "of an odd number, the larger half is drawn";
  EXPECT_GT(of_three[1], 0);
}

TEST(AblationTest, AnyCallOfABlockMayStray) {
  SecretStream draws;
  std::vector<int> strayed(6, 0);
  for (int block = 0; block < 200; ++block) {
    const auto kinds = DrawCallKinds(Without(""), false, draws, 6);
    for (size_t slot = 0; slot < kinds.size(); ++slot) strayed[slot] += kinds[slot] == CallKind::kStrayed ? 1 : 0;
  }
  // Each is drawn with one half: fewer than 50 or more than 150 of 200 come once in 10^12 draws.
  for (size_t slot = 0; slot < strayed.size(); ++slot) {
    EXPECT_GT(strayed[slot], 50) << slot;
    EXPECT_LT(strayed[slot], 150) << slot;
  }
}

// A batch of one call that returned a row of eight values, with these strides.
OutputBatch Row(const SlotLayout& layout, int64_t stride) {
  OutputBatch batch;
  batch.counts = {1};
  batch.outputs.resize(1);
  ClaimedOutput& output = batch.outputs[0];
  output.header.kind = PN_OUTPUT_TENSOR;
  output.header.scalar_type = layout.outputs[0].scalar_type;
  output.header.ndim = 1;
  output.header.shape[0] = 8;
  output.header.strides[0] = stride;
  output.extent = 8 * sizeof(float);
  output.read = true;
  batch.bytes.resize(output.extent);
  return batch;
}

TEST(AblationTest, LayoutLeftOutTakesOneElementForAll) {
  const SlotOutput row{"float32", ScalarTypeOf("float32"), {8}, {1}, -1, 8 * sizeof(float), 8};
  const SlotLayout layout = MakeLayout({}, {row}, 1);
  const OutputBatch dense = Row(layout, 1), expanded = Row(layout, 0), wild = Row(layout, 1 << 30);
  const OutputComparer strict(layout, {}), any(layout, {}, true);
  EXPECT_EQ(strict.Compare(dense, dense, 0).value().match, OutputMatch::kCompared);
  EXPECT_EQ(strict.Compare(dense, expanded, 0).value().match, OutputMatch::kLayoutMismatch);
  EXPECT_EQ(any.Compare(dense, expanded, 0).value().match, OutputMatch::kCompared);
  EXPECT_EQ(any.Compare(dense, wild, 0).value().match, OutputMatch::kLayoutMismatch) << "what is read stays bounded";
}

TEST(AblationTest, SurprisesLeftOutAreBelieved) {
  GraphReport report;
  report.verdict = Verdict::kOk;
  report.speedup_call = 19;
  EXPECT_FALSE(IsSurprising(report, Without("")));
  report.speedup_call = 21;
  EXPECT_TRUE(IsSurprising(report, Without("")));
  EXPECT_TRUE(IsSurprising(report, AllBut("surprises")));
  EXPECT_FALSE(IsSurprising(report, Without("surprises")));
}

}  // namespace
}  // namespace passnet::evaluator
