// The pages hold together as markup, load nothing, run nothing, and show hostile names as text.
#include "agent/campaign/report_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "agent/campaign/html_page.h"
#include "agent/campaign/svg_plot.h"

namespace passnet::agent {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHostile = "</title></table><script>alert('x')</script><img src=x onerror=\"y\">&\x01\xff";

// Empty when every tag is closed in order; the first mistake otherwise. Attribute values must be in double quotes.
std::string MarkupProblem(const std::string& html) {
  std::vector<std::string> open;
  for (size_t i = html.find('<'); i != std::string::npos; i = html.find('<', i + 1)) {
    if (html.compare(i, 9, "<!DOCTYPE") == 0) continue;
    const size_t end = html.find('>', i);
    if (end == std::string::npos) return "a tag without an end";
    const std::string tag = html.substr(i + 1, end - i - 1);
    if (tag.find('<') != std::string::npos) return "< inside " + tag;
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return "quotes of " + tag;
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag.starts_with('/')) {
      if (open.empty() || "/" + open.back() != tag) return "unexpected <" + tag + ">";
      open.pop_back();
    } else if (!tag.ends_with('/') && name != "meta") {
      open.push_back(name);
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> stays open";
}

Json HostileReport() {
  Json counts = Json::MakeObject();
  counts.Set(kHostile, 3);
  counts.Set("OK", 1);
  const Json row = {{"task", kHostile},   {"sample", 1},     {"rounds", 2},  {"round_scores", {0.5, nullptr, 2.0}},
                    {"outcome", kHostile}, {"reason", kHostile}, {"verdict", kHostile}};
  const Json step = {{"k", 1}, {"tasks", 2}, {"value", 0.5}, {"low", 0.1}, {"high", 0.9}};
  const Json next = {{"k", 2}, {"tasks", 2}, {"value", 0.7}, {"low", nullptr}, {"high", nullptr}};
  Json es = Json::MakeObject();
  es.Set("-5", 1.5);
  es.Set("1", 1.8);
  es.Set(kHostile, 2);
  return {{"name", kHostile},
          {"model", kHostile},
          {"campaign_id", kHostile},
          {"es", es},
          {"inductor", {{"es", es}, {"aggregated_score", 1.2}}},
          {"statistics", {{"pass_at", Json::Array{step, next}}, {"best_at", Json::Array{step, next}}}},
          {"score_by_round", {0.2, 0.9}},
          {"verdicts", counts},
          {"outcomes", counts},
          {"reasons", counts},
          {"environment", counts},
          {"by_task", Json::Array{row}},
          {"tasks", Json::Array{row}}};
}

void ExpectHarmless(const std::string& page) {
  EXPECT_EQ(MarkupProblem(page), "");
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<img")), Not(HasSubstr("src=\"")),
                          Not(HasSubstr("href=")), Not(HasSubstr("url("))));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
}

TEST(ReportPageTest, HostileTextsAreShownAsText) {
  const std::string page = ReportPage(HostileReport());
  ExpectHarmless(page);
  EXPECT_THAT(page, HasSubstr("<polyline class=\"ours\""));
  EXPECT_THAT(page, HasSubstr("pass@k"));
}

TEST(ReportPageTest, EmptyAndForeignReportsGiveAPage) {
  EXPECT_EQ(MarkupProblem(ReportPage(Json())), "");
  EXPECT_EQ(MarkupProblem(ReportPage(Json({{"tasks", 7}, {"es", Json::Array{1}}, {"verdicts", "x"}}))), "");
  EXPECT_EQ(MarkupProblem(ComparisonPage(Json())), "");
}

TEST(ComparisonPageTest, HostileTextsAreShownAsText) {
  const Json row = {{"task", kHostile}, {"a", 1.0}, {"b", 2.0}, {"ratio", 2.0}, {"noise", 0.1}, {"result", kHostile}};
  const Json json = {{"a", {{"name", kHostile}}},
                     {"b", {{"model", kHostile}}},
                     {"forced", Json::Array{kHostile}},
                     {"tasks", Json::Array{row, row}}};
  ExpectHarmless(ComparisonPage(json));
}

// The checker itself: what it must find.
TEST(MarkupProblemTest, IsFound) {
  EXPECT_EQ(MarkupProblem("<p>a</p><meta charset=\"x\"><line x=\"1\"/>"), "");
  EXPECT_NE(MarkupProblem("<p><b></p></b>"), "");
  EXPECT_NE(MarkupProblem("<p>"), "");
  EXPECT_NE(MarkupProblem("<p class=\"a>b</p>"), "");
}

TEST(EscapeHtmlTest, KeepsTextAndItsMeaning) {
  EXPECT_EQ(EscapeHtml("a<b>&\"'é\n\t"), "a&lt;b&gt;&amp;&quot;&#39;é\n\t");
  EXPECT_EQ(EscapeHtml(std::string("\0\x1b\x7f", 3)), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(EscapeHtml("\xc3"), "\uFFFD");
}

// Values that are not finite, or absurdly large, once made loops without end of such code.
TEST(SvgPlotTest, AbsurdValuesAreDrawnOrLeftOut) {
  LinePlot plot{"t", "x", "y", {}};
  EXPECT_EQ(LineSvg(plot), "");
  plot.lines.push_back({"a", "ours", {{1, NAN}, {INFINITY, 2}}});
  EXPECT_EQ(LineSvg(plot), "");
  for (double value : {1e308, -1e308, 1e-320, 0.0}) {
    plot.lines[0].points = {{0, value}, {1e300, 2 * value / 3}};
    EXPECT_EQ(MarkupProblem(LineSvg(plot)), "") << value;
  }
  EXPECT_EQ(BarSvg("t", {{"a", 0}, {"b", NAN}}), "");
  EXPECT_EQ(MarkupProblem(RatioSvg("t", {{"a", 0, -1, 1e308, "win"}, {"b", NAN, 1, 1, "tie"}})), "");
}

TEST(SvgPlotTest, PointsLieWhereTheAxesSay) {
  LinePlot plot{"t", "x", "y", {{"", "ours", {{0, 0}, {10, 5}}}}};
  // From the left bottom corner of the axes to the right top one.
  EXPECT_THAT(LineSvg(plot), HasSubstr("points=\"52.0,256.0 506.0,48.0\""));
}

}  // namespace
}  // namespace passnet::agent
