#include "trajectories/export/normalised_candidate.h"

#include <gtest/gtest.h>

namespace passnet::trajectories {
namespace {

TEST(NormalisedSourceTest, PythonLosesCommentsAndBlanksButNoString) {
  EXPECT_EQ(NormalisedSource("P.py", "# head\n\ndef f( x ):  # tail\n    return x  +  '# no  comment'\n"),
            "def f(x):return x+'# no  comment'");
  EXPECT_EQ(NormalisedSource("P.py", "a = \"\"\"two\n # lines \"\"\" # gone"), "a=\"\"\"two\n # lines \"\"\"");
  EXPECT_EQ(NormalisedSource("P.py", R"(a = 'it\'s # in' # out)"), R"(a='it\'s # in')");
  EXPECT_EQ(NormalisedSource("P.py", "not   in\tx"), "not in x");
  EXPECT_EQ(NormalisedSource("P.py", "x = 'open # till the end\ny = 1 # gone"), "x='open # till the end y=1");
}

TEST(NormalisedSourceTest, CppLosesBothCommentsButNoString) {
  EXPECT_EQ(NormalisedSource("k.cc", "int  main() { // one\n  /* two\n */ return 1'000 ; }"), "int main(){return 1'000;}");
  EXPECT_EQ(NormalisedSource("k.h", R"(const char* s = "// no"; char c = '"'; // yes)"), R"(const char*s="// no";char c='"';)");
  EXPECT_EQ(NormalisedSource("k.cc", "auto s = R\"x( \" // )x\" ; // gone"), "auto s=R\"x( \" // )x\";");
  EXPECT_EQ(NormalisedSource("k.cc", "a // goes \\\n on\nb"), "a b");
  EXPECT_EQ(NormalisedSource("k.cc", "u8'a' + '  '"), "u8'a'+'  '");
  EXPECT_EQ(NormalisedSource("k.cc", "a /* never closed"), "a");
}

TEST(NormalisedSourceTest, OtherFilesHaveNoComments) {
  EXPECT_EQ(NormalisedSource("x.json", "[ \"a # b\",\n \"// c\" ]"), "[\"a # b\",\"// c\"]");
}

// A megabyte of quotes, open comments or raw strings takes no longer than reading it.
TEST(NormalisedSourceTest, HostileTextIsReadOnce) {
  std::string raw;
  while (raw.size() < 1'000'000) raw += "R\"";
  for (const std::string& text : {std::string(1'000'000, '\''), std::string(1'000'000, '"'), raw,
                                  std::string(1'000'000, '/'), std::string(1'000'000, '\0')}) {
    for (const char* name : {"P.py", "k.cc", "x.json"}) EXPECT_LE(NormalisedSource(name, text).size(), text.size());
  }
}

TEST(NormalisedCandidateTest, HashIsOfNamesAndTextsWithoutNotes) {
  const std::string one = NormalisedCandidateHash({{"P.py", "a = 1"}, {"k.cc", "int a;"}});
  EXPECT_EQ(one, NormalisedCandidateHash({{"P.py", "a=1 # one"}, {"k.cc", "int\na;"}, {"notes.md", "mine"}}));
  EXPECT_NE(one, NormalisedCandidateHash({{"P.py", "a = 1"}, {"l.cc", "int a;"}}));
  EXPECT_NE(one, NormalisedCandidateHash({{"P.py", "a = 2"}, {"k.cc", "int a;"}}));
  EXPECT_NE(NormalisedCandidateHash({{"a", "bc"}}), NormalisedCandidateHash({{"ab", "c"}}));
  EXPECT_EQ(one.size(), 64u);
}

}  // namespace
}  // namespace passnet::trajectories
