#include "prompts/renderer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prompts/prompt_set.h"

namespace passnet::prompts {
namespace {

using ::testing::HasSubstr;

Result<std::string> Render(std::string_view text, const Values& values) {
  auto parsed = Template::Parse("t", text);
  if (!parsed) return parsed.error();
  return parsed.value().Render(values);
}

std::string ErrorOf(const Result<std::string>& result) { return result ? "no error" : result.error().context; }

TEST(TemplateTest, ValuesAreTakenAsTheyAre) {
  auto text = Render("a {{x}} b", {{"x", "<&{{x}}>"}});
  ASSERT_TRUE(text) << ErrorOf(text);
  EXPECT_EQ(text.value(), "a <&{{x}}> b");
}

TEST(TemplateTest, SectionRepeatsAndTakesItsLines) {
  auto text = Render("head\n{{#items}}\n- {{name}} of {{all}}\n{{/items}}\ntail",
                     {{"items", std::vector<Values>{{{"name", "a"}}, {{"name", "b"}}}}, {"all", "2"}});
  ASSERT_TRUE(text) << ErrorOf(text);
  EXPECT_EQ(text.value(), "head\n- a of 2\n- b of 2\ntail");
}

TEST(TemplateTest, InvertedSectionStandsForEmptyAndOff) {
  Values values{{"list", std::vector<Values>{}}, {"on", false}};
  auto text = Render("{{^list}}none{{/list}}{{#on}}no{{/on}}{{^on}}off{{/on}}", values);
  ASSERT_TRUE(text) << ErrorOf(text);
  EXPECT_EQ(text.value(), "noneoff");
}

TEST(TemplateTest, MissingValueIsAnError) {
  EXPECT_THAT(ErrorOf(Render("{{x}}", {})), HasSubstr("no value for {{x}}"));
}

// A user's own prompt does not tell everything that there is to tell.
TEST(TemplateTest, ValueThatTheTemplateNeverNamesIsLeftOut) {
  auto text = Render("a", {{"x", "1"}});
  ASSERT_TRUE(text) << ErrorOf(text);
  EXPECT_EQ(text.value(), "a");
}

TEST(TemplateTest, ListInPlaceOfTextIsAnError) {
  EXPECT_THAT(ErrorOf(Render("{{x}}", {{"x", std::vector<Values>{}}})), HasSubstr("is no text"));
}

TEST(TemplateTest, BrokenTagsNameTemplateAndLine) {
  EXPECT_THAT(ErrorOf(Render("\n{{#a}}", {})), HasSubstr("section a is not closed"));
  EXPECT_THAT(ErrorOf(Render("\n{{/a}}", {})), HasSubstr("prompt t, line 2"));
  EXPECT_THAT(ErrorOf(Render("{{a", {})), HasSubstr("a tag is not closed"));
  EXPECT_THAT(ErrorOf(Render("{{A b}}", {})), HasSubstr("is no name"));
}

TEST(PromptSetTest, ShippedTextsParse) {
  auto status = CheckPrompts(ShippedPrompts());
  EXPECT_TRUE(status) << status.error().context;
}

TEST(PromptSetTest, MissingAndUnknownTextsAreNamed) {
  PromptTexts texts = ShippedPrompts();
  texts["other"] = "x";
  EXPECT_THAT(CheckPrompts(texts).error().context, HasSubstr("prompt other is not known"));
  texts = ShippedPrompts();
  texts.erase("refine_first");
  EXPECT_THAT(CheckPrompts(texts).error().context, HasSubstr("prompt refine_first is missing"));
}

}  // namespace
}  // namespace passnet::prompts
